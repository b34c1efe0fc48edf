"""Figures as files: PNG, sharp on dense screens, and SVG; the same bytes for the same figure."""

import io
import warnings
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from slug_lightning.atomic import atomic_path

_DPI = 200  # 8 inches make 1600 pixels: two for each one of an 800-pixel column


def png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG file in memory."""
    draft = io.BytesIO()
    with warnings.catch_warnings():
        # A name in a script that no installed font has is drawn as boxes; the page spells it out.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(draft, format="png", dpi=_DPI, metadata={"Software": None})
    return draft.getvalue()


def svg_bytes(figure: Figure) -> bytes:
    """The figure as an SVG file in memory, with its text as text."""
    draft = io.BytesIO()
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "slug"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(draft, format="svg", metadata={"Date": None, "Creator": None})
    return draft.getvalue()


def save_png(figure: Figure, path: Path) -> None:
    """Write the figure to ``path``, whole or not at all."""
    content = png_bytes(figure)
    with atomic_path(path) as draft:
        draft.write_bytes(content)
