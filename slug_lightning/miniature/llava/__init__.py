"""A miniature LLaVA that says which digit a picture shows, and in which style it is drawn."""
