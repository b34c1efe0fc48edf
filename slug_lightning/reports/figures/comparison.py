"""Forgetting against retention: one point per method, what to look for in the top left corner."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slug_lightning.reports.figures.labels import Label, place_labels
from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, new_figure, style_axes, write

SHORT = {"FineTune": "FT", "GradientAscent": "GA", "GradientAscentFineTune": "GAFT"}
KEPT = (("identities", "other identities, top-1, %"), ("styles", "styles, top-1, %"))


def comparison_figure(
    rows: Sequence[Mapping[str, Any]], references: Sequence[str], theme: Theme = LIGHT
) -> Figure:
    """Two panels, one per retained figure, over how much of the concept is still recognised.

    Args:
        rows: Rows of ``comparison.json``: ``method`` and ``figures`` with mean and deviation.
        references: Methods that are drawn as rings: the model before, and the gold standard.
        theme: Colours.

    Returns:
        A figure of 8 x 3.9 inches; lines are standard deviations over cells.
    """
    drawing = new_figure(8, 3.9, theme)
    for number, (name, title) in enumerate(KEPT):
        axes = drawing.add_axes((0.065 + 0.495 * number, 0.15, 0.425, 0.7))
        style_axes(axes, theme, size=8)
        write(axes, 0, 1.06, title, theme.ink, size=8.5, bold=True)
        shown = [row for row in rows if row["figures"]["forget_top1"] and row["figures"][name]]
        _draw_points(axes, shown, name, references, theme)
    write(drawing, 0.5, 0.035, "concept recognised, top-1, % (low is success)", theme.muted, align="center")
    return drawing


def _draw_points(
    axes: Axes, rows: Sequence[Mapping[str, Any]], name: str, references: Sequence[str], theme: Theme
) -> None:
    labels = []
    for number, row in enumerate(rows):
        x, y = row["figures"]["forget_top1"], row["figures"][name]
        reference, own = row["method"] in references, row["method"] == "SLUG"
        color = theme.muted if reference else theme.forget[0] if own else theme.retain[0]
        lines: Style = {"color": color, "linewidth": 0.9, "alpha": 0.55, "zorder": 3}
        axes.plot([x["mean"] - x["sd"], x["mean"] + x["sd"]], [y["mean"]] * 2, **lines)
        axes.plot([x["mean"]] * 2, [y["mean"] - y["sd"], y["mean"] + y["sd"]], **lines)
        fill = theme.paper if reference else color
        axes.plot([x["mean"]], [y["mean"]], "o", ms=6, mfc=fill, mec=color, mew=1.4, zorder=4 + number / 100)
        labels.append(Label(x["mean"], y["mean"], SHORT.get(row["method"], row["method"]), bold=own))
    points = [(row["figures"]["forget_top1"]["mean"], row["figures"][name]["mean"]) for row in rows]
    _set_limits(axes, points)
    place_labels(axes, sorted(labels, key=lambda label: not label.bold), points, theme)


def _set_limits(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Room for labels around the points; a share never leaves 0 to 100, its mark may."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    wide, high = max(10.0, max(xs) - min(xs)), max(6.0, max(ys) - min(ys))
    x_limits = min(xs) - 0.2 * wide, max(xs) + 0.25 * wide
    y_limits = min(ys) - 0.25 * high, max(ys) + 0.2 * high
    axes.set(xlim=x_limits, ylim=y_limits)
    axes.set_xticks(
        [tick for tick in axes.get_xticks() if max(0, x_limits[0]) <= tick <= min(100, x_limits[1])]
    )
    axes.set_yticks(
        [tick for tick in axes.get_yticks() if max(0, y_limits[0]) <= tick <= min(100, y_limits[1])]
    )
