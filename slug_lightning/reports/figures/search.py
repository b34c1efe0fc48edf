"""Accuracies against step, one small panel for each layer that was searched."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch as Swatch

from slug_lightning.errors import BadDataError
from slug_lightning.reports.figures.folding import fold_metrics
from slug_lightning.reports.figures.log_axis import log_limits, set_log_axis
from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, new_figure, style_axes, write
from slug_lightning.reports.report_file import metric_label
from slug_lightning.reports.tables import SearchRow
from slug_lightning.reports.wording import short_layer, shorten

_MOST_PANELS = 12
_WIDTH = 8.0  # inches, as all lengths of the grid
_LEFT, _RIGHT, _BOTTOM, _GAP = 0.6, 0.15, 0.62, 0.22
_LONGEST_LABEL = 34
_MARKERS = ("o", "s", "D", "^", "v", "P")


def search_figure(
    rows: Sequence[SearchRow],
    criterion: str = "forget/top1",
    target: float = 0.0,
    *,
    labels: Mapping[str, str] | None = None,
    baseline: Mapping[str, float] | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """Panels of at most twelve layers, best first: chosen, then feasible by retained accuracy.

    Args:
        rows: At least one evaluated point.
        criterion: The metric that decides what is feasible.
        target: Its target, 0 to 1.
        labels: Display names by metric name.
        baseline: Values before the edit by metric name, 0 to 1, drawn as dashed lines.
        theme: Colours.

    Returns:
        A figure 8 inches wide. A step is shaded where the nearest measured step is feasible. Retained metrics
        beyond the theme's colours share one line.

    Raises:
        BadDataError: If there is no point at all.
    """
    if not rows:
        raise BadDataError("Expected at least one point of the step search, but got none.")
    rows, baseline, folded = fold_metrics(rows, baseline or {}, len(theme.retain))
    groups = rank_layers(rows, criterion, baseline)
    shown = groups[:_MOST_PANELS]
    styles = _styles(rows, criterion, theme)
    grid = _Grid(len(shown), legend_lines=-(-(len(styles) + 2) // 3))
    figure = new_figure(_WIDTH, grid.height, theme)
    for index, group in enumerate(shown):
        axes = figure.add_axes(grid.place(index))
        _draw_panel(axes, group, styles, target, baseline, theme)
        axes.tick_params(labelleft=index % grid.columns == 0)
    _legend(figure, styles, {**(labels or {}), **folded}, bool(baseline), theme)
    _notes(figure, len(groups) - len(shown), grid.height, theme)
    return figure


@dataclass(frozen=True)
class _Grid:
    """Where the panels go; fewer panels are larger."""

    panels: int
    legend_lines: int

    @property
    def columns(self) -> int:
        return 3 if self.panels > 4 else min(self.panels, 2)

    @property
    def panel_height(self) -> float:
        return {1: 2.6, 2: 1.7, 3: 1.2}[self.columns]

    @property
    def lines(self) -> int:
        return -(-self.panels // self.columns)

    @property
    def height(self) -> float:
        return _BOTTOM + self.lines * (self.panel_height + 0.55) + 0.2 * self.legend_lines

    def place(self, index: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel in figure fractions."""
        line, column = divmod(index, self.columns)
        width = (_WIDTH - _LEFT - _RIGHT - _GAP * (self.columns - 1)) / self.columns
        x = _LEFT + column * (width + _GAP)
        y = _BOTTOM + (self.lines - 1 - line) * (self.panel_height + 0.55)
        return x / _WIDTH, y / self.height, width / _WIDTH, self.panel_height / self.height


def rank_layers(
    rows: Sequence[SearchRow], criterion: str, baseline: Mapping[str, float]
) -> list[list[SearchRow]]:
    """Points of each layer by step; layers ordered best first.

    The chosen layer leads; then layers with a feasible point, by the best over their feasible points
    of the worst retained share of the baseline, points that are measured on less data last; then the
    others, by the lowest criterion.
    """
    groups: dict[str, list[SearchRow]] = {}
    for row in sorted(rows, key=lambda row: row.step):
        groups.setdefault(row.layer, []).append(row)

    def kept(row: SearchRow) -> tuple[int, float]:
        shares = [
            value / (baseline.get(name) or 1.0)
            for name, value in row.metrics.items()
            if name.startswith("retain/") and value is not None
        ]
        return len(shares), min(shares, default=-math.inf)

    def order(group: list[SearchRow]) -> tuple[bool, bool, int, float, float]:
        feasible = [row for row in group if row.feasible]
        lowest = min(_value(row, criterion) for row in group)
        known, best = max((kept(row) for row in feasible), default=(0, 0.0))
        return not any(row.chosen for row in group), not feasible, -known, -best, lowest

    return sorted(groups.values(), key=order)


def _value(row: SearchRow, metric: str) -> float:
    value = row.metrics.get(metric)
    return math.inf if value is None else value


def _styles(rows: Sequence[SearchRow], criterion: str, theme: Theme) -> dict[str, Style]:
    """Colour, marker and width of each metric; the criterion first and strongest."""
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    forget = sorted((name for name in names if name.startswith("forget/")), key=lambda n: n != criterion)
    retain = [name for name in names if name.startswith("retain/")]
    styles: dict[str, Style] = {}
    for group, colors in ((forget, theme.forget), (retain, theme.retain)):
        for index, name in enumerate(group):
            styles[name] = {
                "color": colors[min(index, len(colors) - 1)],
                "marker": _MARKERS[len(styles) % len(_MARKERS)],
                "linewidth": 1.8 if name == criterion else 1.2,
                "markersize": 4.2 if name == criterion else 3.4,
            }
    return styles


def _draw_panel(
    axes: Axes,
    group: Sequence[SearchRow],
    styles: Mapping[str, Style],
    target: float,
    baseline: Mapping[str, float],
    theme: Theme,
) -> None:
    style_axes(axes, theme, size=8)
    limits = log_limits([row.step for row in group], 0.07)
    set_log_axis(axes, "x", limits, most=4)
    axes.set_ylim(-4, 104)
    axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])
    for low, high in feasible_spans(group, limits):
        axes.axvspan(low, high, color=theme.shade, linewidth=0, zorder=0.5)
    axes.axhline(100 * target, color=theme.forget[0], linewidth=0.8, linestyle=":", zorder=2)
    for name, style in reversed(list(styles.items())):
        measured = [(row.step, row.metrics.get(name)) for row in group]
        found = [(step, 100 * value) for step, value in measured if value is not None]
        if name in baseline and name.startswith("retain/"):
            color = str(style["color"])
            axes.axhline(100 * baseline[name], color=color, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.plot([x for x, _ in found], [y for _, y in found], zorder=3, mec=theme.paper, mew=0.5, **style)
    chosen = next((row for row in group if row.chosen), None)
    if chosen is not None:
        _mark_chosen(axes, chosen, styles, theme)
    title = short_layer(group[0].layer, group[0].tower)
    axes.set_title(
        f"{title} (chosen)" if chosen else title,
        loc="left",
        pad=6,
        color=theme.ink,
        fontsize=8.5,
        fontweight="bold" if chosen else "normal",
        parse_math=False,
    )


def _mark_chosen(axes: Axes, row: SearchRow, styles: Mapping[str, Style], theme: Theme) -> None:
    axes.axvline(row.step, color=theme.ink, linewidth=1.0, zorder=2)
    values = [100 * value for name, value in row.metrics.items() if value is not None and name in styles]
    ring: Style = {"ms": 9, "mfc": "none", "mec": theme.ink, "mew": 1.1}
    axes.plot([row.step] * len(values), values, "o", zorder=4, clip_on=False, **ring)


def feasible_spans(group: Sequence[SearchRow], limits: tuple[float, float]) -> list[tuple[float, float]]:
    """Ranges of steps whose nearest measured step, on the logarithmic axis, is feasible.

    Args:
        group: Points of one layer, by increasing step.
        limits: Ends of the axis.

    Returns:
        Disjoint ranges ``(low, high)`` in increasing order.
    """
    steps = [row.step for row in group]
    middles = [math.sqrt(a * b) for a, b in pairwise(steps)]
    edges = [limits[0], *middles, limits[1]]
    spans: list[tuple[float, float]] = []
    for row, (low, high) in zip(group, pairwise(edges), strict=True):
        if not row.feasible:
            continue
        if spans and spans[-1][1] == low:
            spans[-1] = spans[-1][0], high
        else:
            spans.append((low, high))
    return spans


def _legend(
    figure: Figure,
    styles: Mapping[str, Style],
    labels: Mapping[str, str],
    baseline: bool,
    theme: Theme,
) -> None:
    handles: list[Line2D | Swatch] = [
        Line2D([], [], label=shorten(metric_label(name, labels), _LONGEST_LABEL), **style)
        for name, style in styles.items()
    ]
    if baseline:
        dashes: Style = {"linewidth": 0.9, "linestyle": (0, (4, 3))}
        handles.append(Line2D([], [], color=theme.muted, label="before the edit", **dashes))
    handles.append(Swatch(color=theme.shade, label="feasible"))
    legend = figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.06, 1),
        ncols=3,
        frameon=False,
        fontsize=8.5,
        labelcolor=theme.ink,
        columnspacing=1.6,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _notes(figure: Figure, left_out: int, height: float, theme: Theme) -> None:
    write(figure, 0.5, 0.24 / height, "step (logarithmic)", theme.muted, size=9, align="center")
    if left_out:
        note = f"{left_out} more {'layer' if left_out == 1 else 'layers'} in search.csv"
        write(figure, 0.98, 0.24 / height, note, theme.muted, size=8, align="right")
