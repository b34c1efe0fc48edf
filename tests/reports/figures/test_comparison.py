import pytest

from slug_lightning.reports.figures.comparison import comparison_figure
from slug_lightning.reports.figures.theme import DARK, LIGHT


def row(method, forget, identities, styles=None):
    def figure(mean):
        return {"mean": mean, "sd": 1.0, "n": 3}

    figures = {"forget_top1": figure(forget), "identities": figure(identities)}
    return {"method": method, "figures": {**figures, "styles": None if styles is None else figure(styles)}}


ROWS = [row("Original", 98, 97, 99), row("SLUG", 0, 97, 98), row("SSD", 1, 60, 70), row("SalUn", 0, 96, 97)]


def axis(row, axes, figure):
    return row["figures"]["identities" if axes is figure.axes[0] else "styles"]["mean"]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_every_method_is_a_named_point_in_both_panels(theme):
    figure = comparison_figure(ROWS, ("Original",), theme)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        points = {
            (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1
        }
        assert len(points) == len(ROWS)
        assert points == {(r["figures"]["forget_top1"]["mean"], axis(r, axes, figure)) for r in ROWS}
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [entry["method"] for entry in ROWS]
    marks = {(line.get_marker(), line.get_color()) for line in legend.get_lines()}
    assert len(marks) == len(ROWS)
    assert figure.get_facecolor()[:3] == pytest.approx(
        tuple(int(theme.paper[i : i + 2], 16) / 255 for i in (1, 3, 5))
    )


def test_a_method_without_a_figure_is_left_out_of_that_panel():
    figure = comparison_figure([*ROWS, row("FineTune", 50, 97)], ())
    left, right = ([line for line in axes.lines if len(line.get_xdata()) == 1] for axes in figure.axes)
    assert len(left) == len(right) + 1
    assert figure.legends[0].get_texts()[-1].get_text() == "FT"


def test_methods_that_differ_by_a_point_near_the_corner_stand_apart():
    figure = comparison_figure([row("SLUG", 0, 99.4, 99), row("SalUn", 1, 98, 98)], ())
    axes = figure.axes[0]
    one, other = axes.transData.transform([[0, 99.4], [1, 98]])
    assert abs(one - other).min() > 0.05 * axes.bbox.height
