"""How much of the concept each way of asking finds: original, patched and gold standard on one axis."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slug_lightning.reports.audit_file import VERSION_NAMES, VERSIONS, Compared
from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, fonts, new_figure, style_axes
from slug_lightning.reports.wording import shorten

_MARKERS = {"before": "o", "after": "D", "gold": "s"}
_SHIFT = {"before": -0.2, "after": 0.0, "gold": 0.2}
_LONGEST_LABEL = 36
_ROW = 0.34  # inches


def version_colors(theme: Theme) -> Mapping[str, str]:
    """Colour of each version: muted, the forget colour, a retain colour."""
    return {"before": theme.muted, "after": theme.forget[0], "gold": theme.retain[0]}


def attacks_figure(
    rows: Sequence[tuple[str, Compared]], theme: Theme = LIGHT, cases: str = "images of the concept"
) -> Figure:
    """A row for each way of asking, with the 95 % interval of each version.

    Args:
        rows: What it is called, and its shares by version; at least one.
        theme: Colours.
        cases: What the shares are of.

    Returns:
        A figure 8 inches wide, as high as the rows need.
    """
    height = 1.05 + _ROW * len(rows)
    figure = new_figure(8, height, theme)
    axes = figure.add_axes((0.335, 0.6 / height, 0.64, _ROW * len(rows) / height))
    style_axes(axes, theme)
    for place, (_, row) in enumerate(rows):
        for version in VERSIONS:
            if version in row.by_version:
                _draw(axes, place, version, row.by_version[version], theme)
    axes.set_xlim(-2, 102)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    labels = [shorten(label, _LONGEST_LABEL) for label, _ in rows]
    axes.set_yticks(range(len(rows)), labels, fontfamily=fonts(), parse_math=False, color=theme.ink)
    axes.grid(visible=False, axis="y")
    font: Style = {"color": theme.muted, "fontsize": 9}
    axes.set_xlabel(f"{cases} that are recognised, % (95 % interval)", **font)
    _legend(figure, {v for _, row in rows for v in row.by_version}, theme)
    return figure


def _draw(
    axes: Axes, place: int, version: str, entry: Mapping[str, float | list[float]], theme: Theme
) -> None:
    color, y = version_colors(theme)[version], place + _SHIFT[version]
    value = entry["value"]
    assert isinstance(value, float | int)
    bounds = entry["ci95"]
    if isinstance(bounds, list):
        axes.plot([100 * b for b in bounds], [y, y], color=color, linewidth=1.4, alpha=0.55, zorder=3)
    axes.plot(100 * value, y, _MARKERS[version], ms=5.5, color=color, mec="none", zorder=4, clip_on=False)


def _legend(figure: Figure, shown: set[str], theme: Theme) -> None:
    colors = version_colors(theme)
    handles = [
        Line2D([], [], ls="none", marker=_MARKERS[v], ms=6, color=colors[v], label=VERSION_NAMES[v])
        for v in VERSIONS
        if v in shown
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.325, 1.0),
        ncols=3,
        frameon=False,
        fontsize=9,
        labelcolor=theme.ink,
        handletextpad=0.3,
    )
