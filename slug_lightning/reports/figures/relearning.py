"""Forget accuracy against the number of updates, patched model and gold standard, a panel for each data."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slug_lightning.reports.audit_file import FORGET, VERSION_NAMES, VERSIONS
from slug_lightning.reports.figures.attacks import version_colors
from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, new_figure, style_axes, write

_COLUMNS, _HEIGHT = 3, 2.0
_MARKERS = {"before": "o", "after": "D", "gold": "s"}

Curves = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]  # by condition, by version


def curves_of(attack: Mapping[str, Any]) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    """Figures of forget accuracy by condition and version, by the number of updates."""
    curves: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for figure in sorted(attack["figures"], key=lambda figure: figure.get("x", 0)):
        if figure["metric"] in FORGET:
            curves.setdefault(figure["condition"], {}).setdefault(figure["version"], []).append(figure)
    return curves


def relearning_figure(curves: Curves, theme: Theme = LIGHT) -> Figure:
    """Panels side by side on one scale; updates on a square-root axis, so that 0 and the first ones show.

    Args:
        curves: At least one condition.
        theme: Colours.

    Returns:
        A figure 8 inches wide.
    """
    columns = min(_COLUMNS, len(curves))
    lines = -(-len(curves) // columns)
    height = 0.45 + lines * (_HEIGHT + 0.75)
    figure = new_figure(8, height, theme)
    width = (7.25 - 0.2 * (columns - 1)) / columns
    for number, (condition, versions) in enumerate(curves.items()):
        line, column = divmod(number, columns)
        left, bottom = 0.6 + column * (width + 0.2), height - 0.7 - line * (_HEIGHT + 0.75) - _HEIGHT
        axes = figure.add_axes((left / 8, bottom / height, width / 8, _HEIGHT / height))
        _panel(axes, condition, versions, theme)
        axes.tick_params(labelleft=column == 0)
    shown = {version for versions in curves.values() for version in versions}
    _legend(figure, shown, theme)
    return figure


def _panel(
    axes: Axes, condition: str, versions: Mapping[str, Sequence[Mapping[str, Any]]], theme: Theme
) -> None:
    style_axes(axes, theme)
    axes.set_xscale("function", functions=(lambda x: abs(x) ** 0.5, lambda x: x**2))
    colors = version_colors(theme)
    for version, figures in versions.items():
        xs = [figure["x"] for figure in figures]
        lows, highs = zip(*(figure["ci95"] for figure in figures), strict=True)
        color = colors[version]
        axes.fill_between(
            xs, [100 * v for v in lows], [100 * v for v in highs], color=color, alpha=0.15, linewidth=0
        )
        values = [100 * figure["value"] for figure in figures]
        axes.plot(xs, values, marker=_MARKERS[version], ms=4, color=color, linewidth=1.4, clip_on=False)
    places = sorted({figure["x"] for figures in versions.values() for figure in figures})
    axes.set_xlim(0, max(places[-1], 1))
    axes.set_ylim(0, 100)
    ticks = [places[0], *places[3:]] if len(places) > 5 else places
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    write(axes, 0, 1.07, condition, theme.ink, size=9.5, bold=True)
    font: Style = {"color": theme.muted, "fontsize": 9}
    axes.set_xlabel("updates", labelpad=1, **font)


def _legend(figure: Figure, shown: set[str], theme: Theme) -> None:
    colors = version_colors(theme)
    handles = [
        Line2D([], [], marker=_MARKERS[v], ms=5, lw=1.4, color=colors[v], label=VERSION_NAMES[v])
        for v in VERSIONS
        if v in shown
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.06, 1.0),
        ncols=3,
        frameon=False,
        fontsize=9,
        labelcolor=theme.ink,
    )
    write(
        figure,
        0.98,
        1 - 0.17 / float(figure.get_figheight()),
        "concept recognised, %",
        theme.muted,
        size=8.5,
        align="right",
    )
