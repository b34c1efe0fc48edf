"""Colours, fonts and axes of all figures, for light and dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

# DejaVu Sans ships with matplotlib; the others are used, where installed, for names it cannot write.
_FONTS = (
    *("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Microsoft YaHei"),
    *("Arial Unicode MS", "Noto Sans Arabic", "Noto Sans Devanagari"),
)


Style = dict[str, Any]  # keyword arguments of a matplotlib artist


@dataclass(frozen=True)
class Theme:
    """Colours of a figure; the hues stay apart with the common colour-vision deficiencies.

    Args:
        paper: Background.
        ink: Text and marks that matter.
        muted: Axes and secondary text.
        grid: Grid lines.
        shade: Fill of the feasible region.
        towers: Colour of each tower.
        forget: Colours of forget metrics, the criterion first.
        retain: Colours of retained metrics, in order.
    """

    paper: str
    ink: str
    muted: str
    grid: str
    shade: str
    towers: tuple[tuple[str, str], ...]
    forget: tuple[str, ...]
    retain: tuple[str, ...]

    def tower(self, name: str) -> str:
        """Colour of a tower."""
        return dict(self.towers).get(name, self.muted)


LIGHT = Theme(
    paper="#ffffff",
    ink="#1f2328",
    muted="#59636e",
    grid="#e6e9ed",
    shade="#e4f1e9",
    towers=(("vision", "#0072b2"), ("text", "#d98e04")),
    forget=("#d55e00", "#eda36b"),
    retain=("#0072b2", "#009e73", "#9b5fa5", "#6f7780"),
)
DARK = Theme(
    paper="#14181d",
    ink="#e8ecf1",
    muted="#9aa4af",
    grid="#29303a",
    shade="#1c3329",
    towers=(("vision", "#56b4e9"), ("text", "#f0b429")),
    forget=("#ff8a4c", "#b5683f"),
    retain=("#56b4e9", "#3fc79a", "#cf9bd8", "#a4adb8"),
)


def new_figure(width: float, height: float, theme: Theme) -> Figure:
    """Empty figure of ``width`` x ``height`` inches on the theme's paper."""
    figure = Figure(figsize=(width, height), dpi=100, facecolor=theme.paper)
    figure.set_layout_engine("none")
    return figure


def style_axes(axes: Axes, theme: Theme, size: float = 9) -> None:
    """Two thin spines, quiet grid below the data, ticks in ``size`` points."""
    axes.set_facecolor(theme.paper)
    axes.set_axisbelow(True)
    axes.grid(visible=True, which="major", color=theme.grid, linewidth=0.8)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.muted)
        spine.set_linewidth(0.8)
    for which in ("major", "minor"):
        axes.tick_params(which=which, color=theme.muted, labelcolor=theme.muted, labelsize=size)
    axes.tick_params(which="minor", length=0)


def write(
    place: Figure | Axes,
    x: float,
    y: float,
    text: str,
    color: str,
    *,
    size: float = 9,
    align: str = "left",
    bold: bool = False,
) -> Text:
    """Write plain text at figure or axes fractions; ``$`` and ``_`` are never read as mathematics."""
    transform = place.transAxes if isinstance(place, Axes) else place.transSubfigure
    return place.text(
        x,
        y,
        text,
        transform=transform,
        color=color,
        fontsize=size,
        ha=align,
        va="center",
        fontweight="bold" if bold else "normal",
        fontfamily=fonts(),
        parse_math=False,
    )


def fonts() -> Sequence[str]:
    """Families to write names in, those that are installed."""
    installed = set(matplotlib.font_manager.get_font_names())
    return [family for family in _FONTS if family in installed]
