"""Robustness checks of a finished run: is the concept gone, or only hidden? One attack a module."""
