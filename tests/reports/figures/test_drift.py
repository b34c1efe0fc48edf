import pytest

from slug_lightning.reports.figures.drift import drift_figure

HISTOGRAM = {"edges": [-0.2, -0.1, 0.0, 0.3], "after": [3, 5, 9]}


def test_bars_are_the_counts_between_the_edges():
    axes = drift_figure(HISTOGRAM).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [3, 5, 9]
    assert [bar.get_x() for bar in axes.patches] == HISTOGRAM["edges"][:-1]
    assert axes.patches[-1].get_width() == pytest.approx(0.3)


def test_no_change_and_the_quantile_are_marked():
    axes = drift_figure(HISTOGRAM, quantile=-0.15).axes[0]
    assert [line.get_xdata()[0] for line in axes.lines] == [0, -0.15]
