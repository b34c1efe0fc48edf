"""Forgetting against retention: one point per method, what to look for in the top left corner."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, fonts, new_figure, style_axes, write

SHORT = {"FineTune": "FT", "GradientAscent": "GA", "GradientAscentFineTune": "GAFT"}
KEPT = (("identities", "other identities, top-1, %"), ("styles", "styles, top-1, %"))
MARKS = "os^DvPXphd"  # one a method, again from the first if there are more
TICKS = (0.0, 1.0, 5.0, 20.0, 50.0, 100.0)


def comparison_figure(
    rows: Sequence[Mapping[str, Any]], references: Sequence[str], theme: Theme = LIGHT
) -> Figure:
    """Two panels, one per retained figure, over how much of the concept is still recognised.

    Both axes are square roots: of what is still recognised, and of what is lost. Good methods lie close
    together in a corner, and linear axes would put them on one another.

    Args:
        rows: Rows of ``comparison.json``: ``method`` and ``figures`` with mean and deviation.
        references: Methods that are drawn as rings: the model before, and the gold standard.
        theme: Colours.

    Returns:
        A figure of 8 x 4.4 inches; lines are standard deviations over cells.
    """
    drawing = new_figure(8, 4.4, theme)
    styles = _styles([row["method"] for row in rows], references, theme)
    for number, (name, title) in enumerate(KEPT):
        axes = drawing.add_axes((0.065 + 0.495 * number, 0.25, 0.415, 0.65))
        style_axes(axes, theme, size=8)
        _set_axes(axes)
        write(axes, 0, 1.06, title, theme.ink, size=8.5, bold=True)
        for row in rows:
            if row["figures"]["forget_top1"] and row["figures"][name]:
                _draw_point(axes, row["figures"]["forget_top1"], row["figures"][name], styles[row["method"]])
    write(drawing, 0.5, 0.16, "concept recognised, top-1, % (low is success)", theme.muted, align="center")
    drawing.legend(
        handles=[Line2D([], [], label=SHORT.get(name, name), **style) for name, style in styles.items()],
        loc="lower center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=5,
        frameon=False,
        labelcolor=theme.ink,
        prop={"size": 8, "family": fonts()},
    )
    return drawing


def _styles(methods: Sequence[str], references: Sequence[str], theme: Theme) -> dict[str, Style]:
    """A mark and a colour for each method: ours in the first colours, references as rings."""
    found: dict[str, Style] = {}
    for number, method in enumerate(methods):
        ours, reference = method.startswith("SLUG"), method in references
        shade = theme.forget[len([m for m in found if m.startswith("SLUG")]) % len(theme.forget)]
        colour = theme.muted if reference else shade if ours else theme.retain[number % len(theme.retain)]
        fill = theme.paper if reference else colour
        mark: Style = {"marker": MARKS[number % len(MARKS)], "markersize": 6.5, "linestyle": "none"}
        found[method] = {**mark, "color": colour, "markerfacecolor": fill, "markeredgewidth": 1.3}
    return found


def _set_axes(axes: Axes) -> None:
    """What is recognised grows from the left, what is lost from the top, as square roots."""
    axes.set_xscale("function", functions=(lambda x: np.sqrt(np.clip(x, 0, None)), np.square))
    axes.set_yscale(
        "function", functions=(lambda y: -np.sqrt(np.clip(100 - y, 0, None)), lambda v: 100 - np.square(v))
    )
    axes.set(xlim=(0, 100), ylim=(0, 100))
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.set_yticks([100 - tick for tick in TICKS], [f"{100 - tick:g}" for tick in TICKS])
    axes.minorticks_off()


def _draw_point(axes: Axes, x: Mapping[str, float], y: Mapping[str, float], style: Style) -> None:
    lines: Style = {"color": style["color"], "linewidth": 0.9, "alpha": 0.55, "zorder": 3, "clip_on": False}
    ends = [[max(0.0, f["mean"] - f["sd"]), min(100.0, f["mean"] + f["sd"])] for f in (x, y)]
    axes.plot(ends[0], [y["mean"]] * 2, **lines)
    axes.plot([x["mean"]] * 2, ends[1], **lines)
    axes.plot([x["mean"]], [y["mean"]], zorder=4, clip_on=False, **style)
