"""How far the cosines of pairs that must stay have moved, as a histogram."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.figure import Figure

from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, new_figure, style_axes


def drift_figure(
    histogram: Mapping[str, Sequence[float]], quantile: float | None = None, theme: Theme = LIGHT
) -> Figure:
    """Counts of pairs by the change of their cosine, after minus before; a line at no change.

    Args:
        histogram: ``edges`` and the counts ``after`` between them.
        quantile: A change to mark: what the worst-off pairs reach.
        theme: Colours.

    Returns:
        A figure of 8 x 2.8 inches.
    """
    figure = new_figure(8, 2.8, theme)
    axes = figure.add_axes((0.075, 0.2, 0.905, 0.72))
    style_axes(axes, theme)
    edges, counts = histogram["edges"], histogram["after"]
    widths = [right - left for left, right in pairwise(edges)]
    axes.bar(edges[:-1], counts, widths, align="edge", color=theme.retain[0], alpha=0.75, linewidth=0)
    axes.axvline(0, color=theme.ink, linewidth=1)
    if quantile is not None:
        axes.axvline(quantile, color=theme.forget[0], linewidth=1.4, linestyle="--")
    font: Style = {"color": theme.muted, "fontsize": 9}
    axes.set_xlabel("cosine after minus before", **font)
    axes.set_ylabel("retain pairs", **font)
    return figure
