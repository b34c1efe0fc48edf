"""How the result depends on size and seed of the retain and the forget set."""
