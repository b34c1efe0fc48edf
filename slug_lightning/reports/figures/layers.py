"""Importance against alignment of every layer, with the Pareto front of each tower."""

from collections.abc import Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slug_lightning.reports.figures.labels import Label, place_labels
from slug_lightning.reports.figures.log_axis import log_limits, set_log_axis
from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, new_figure, style_axes, write
from slug_lightning.reports.tables import LayerRow
from slug_lightning.reports.wording import short_layer

_MARKERS = {"vision": "o", "text": "s"}
_SAMPLES = 40  # points on each leg of the staircase that labels avoid
_FLOOR = 0.5  # a zero is drawn at this share of the smallest positive value


def layers_figure(rows: Sequence[LayerRow], chosen: str | None = None, theme: Theme = LIGHT) -> Figure:
    """Scatter of all layers on logarithmic axes; lower right is better.

    Args:
        rows: At least one layer, as ``read_layers`` gives them.
        chosen: Canonical name of the edited layer, None when nothing was edited.
        theme: Colours.

    Returns:
        A figure of 8 x 5 inches. Zeros have no place on a logarithmic axis: they are drawn at the
        edge and counted below the figure.
    """
    figure = new_figure(8, 5, theme)
    axes = figure.add_axes((0.095, 0.145, 0.885, 0.775))
    style_axes(axes, theme)
    spots = _spots(rows)
    xs, ys = zip(*spots.values(), strict=True)
    set_log_axis(axes, "x", log_limits(xs, 0.06), most=6)
    set_log_axis(axes, "y", log_limits(ys, 0.06), most=6)
    for tower in _towers(rows):
        _draw_tower(axes, [row for row in rows if row.tower == tower], spots, theme)
    if chosen in spots:
        x, y = spots[chosen]
        axes.plot(x, y, "o", ms=15, mfc="none", mec=theme.ink, mew=1.4, zorder=5)
    left_out = _label_front(axes, rows, spots, chosen, theme)
    _describe(figure, axes, rows, chosen, len(left_out), theme)
    return figure


def _spots(rows: Sequence[LayerRow]) -> dict[str, tuple[float, float]]:
    """Place of each layer, zeros moved to just below the smallest positive value."""
    floors = []
    for values in ([row.importance for row in rows], [row.alignment for row in rows]):
        floors.append(_FLOOR * min((value for value in values if value > 0), default=1.0))
    return {row.layer: (row.importance or floors[0], row.alignment or floors[1]) for row in rows}


def _draw_tower(
    axes: Axes,
    rows: Sequence[LayerRow],
    spots: dict[str, tuple[float, float]],
    theme: Theme,
) -> None:
    color, marker = theme.tower(rows[0].tower), _MARKERS[rows[0].tower]
    rest = [spots[row.layer] for row in rows if not row.front]
    front = sorted(spots[row.layer] for row in rows if row.front)
    if rest:
        xs, ys = zip(*rest, strict=True)
        axes.plot(xs, ys, marker, ms=5, color=color, alpha=0.4, mec="none", zorder=3)
    if front:
        xs, ys = zip(*front, strict=True)
        axes.plot(
            *(xs, ys),
            color=color,
            linewidth=1.2,
            drawstyle="steps-pre",
            marker=marker,
            ms=7.5,
            mec=theme.paper,
            mew=0.8,
            zorder=4,
        )


def _label_front(
    axes: Axes,
    rows: Sequence[LayerRow],
    spots: dict[str, tuple[float, float]],
    chosen: str | None,
    theme: Theme,
) -> list[Label]:
    """Label the front, the chosen layer and the most important first; return what found no place."""
    wanted = [row for row in rows if row.front or row.layer == chosen]
    wanted.sort(key=lambda row: (row.layer != chosen, -row.importance))
    labels = [
        Label(*spots[row.layer], short_layer(row.layer, row.tower), bold=row.layer == chosen)
        for row in wanted
    ]
    named = {row.layer for row in wanted}
    points = [spot for layer, spot in spots.items() if layer not in named]
    for tower in _towers(rows):
        points += _along([spots[row.layer] for row in rows if row.tower == tower and row.front])
    return place_labels(axes, labels, points, theme)


def _along(front: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points along the drawn staircase, close enough together that no label can straddle it."""
    corners = sorted(front)
    points = []
    for (x0, y0), (x1, y1) in pairwise(corners):
        for share in (k / _SAMPLES for k in range(_SAMPLES)):
            points.append((x0, y0 ** (1 - share) * y1**share))
            points.append((x0 ** (1 - share) * x1**share, y1))
    return points


def _describe(
    figure: Figure,
    axes: Axes,
    rows: Sequence[LayerRow],
    chosen: str | None,
    unlabelled: int,
    theme: Theme,
) -> None:
    font: Style = {"color": theme.muted, "fontsize": 9}
    axes.set_xlabel(r"importance  $\Vert g_f\Vert\,/\,\Vert\theta\Vert$   (more is better →)", **font)
    axes.set_ylabel(r"(← less is better)   alignment  $|\cos(g_f, g_r)|$", **font)
    figure.legend(
        handles=_legend(rows, chosen is not None, theme),
        loc="upper left",
        bbox_to_anchor=(0.085, 0.995),
        ncols=5,
        frameon=False,
        fontsize=9,
        labelcolor=theme.ink,
        handletextpad=0.4,
        columnspacing=1.6,
    )
    zeros = sum(row.importance == 0 or row.alignment == 0 for row in rows)
    notes = [f"{len(rows)} layers"]
    if zeros:
        notes.append(f"{zeros} with a zero, drawn at the edge")
    if unlabelled:
        notes.append(f"{unlabelled} of the front without room for a label")
    write(figure, 0.98, 0.022, "; ".join(notes), theme.muted, size=8, align="right")


def _legend(rows: Sequence[LayerRow], chosen: bool, theme: Theme) -> list[Line2D]:
    handles = []
    for tower in _towers(rows):
        color, marker = theme.tower(tower), _MARKERS[tower]
        look: Style = {"color": color, "marker": marker, "mec": "none"}
        handles.append(Line2D([], [], ls="none", ms=5, alpha=0.5, label=f"{tower} layer", **look))
        handles.append(Line2D([], [], lw=1.2, ms=7.5, label=f"{tower} front", **look))
    if chosen:
        ring: Style = {"mfc": "none", "mec": theme.ink, "mew": 1.4}
        handles.append(Line2D([], [], ls="none", marker="o", ms=11, label="edited layer", **ring))
    return handles


def _towers(rows: Sequence[LayerRow]) -> list[str]:
    return [tower for tower in _MARKERS if any(row.tower == tower for row in rows)]
