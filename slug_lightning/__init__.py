"""Remove one concept from a CLIP with one update of one layer (SLUG, arXiv 2407.11867)."""

__version__ = "0.1.0"
