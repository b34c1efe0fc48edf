import pytest

from slug_lightning.reports.figures.comparison import comparison_figure
from slug_lightning.reports.figures.theme import DARK, LIGHT


def row(method, forget, identities, styles=None):
    def figure(mean):
        return {"mean": mean, "sd": 1.0, "n": 3}

    figures = {"forget_top1": figure(forget), "identities": figure(identities)}
    return {"method": method, "figures": {**figures, "styles": None if styles is None else figure(styles)}}


ROWS = [row("Original", 98, 97, 99), row("SLUG", 0, 97, 98), row("SSD", 1, 60, 70), row("SalUn", 0, 96, 97)]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_every_method_is_a_named_point_in_both_panels(theme):
    figure = comparison_figure(ROWS, ("Original",), theme)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        texts = {text.get_text() for text in axes.texts}
        assert {entry["method"] for entry in ROWS} <= texts
        points = {
            (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1
        }
        assert len(points) == len(ROWS)
        low, high = axes.get_xlim()
        assert all(low < x < high for x, _ in points)
    assert figure.get_facecolor()[:3] == pytest.approx(
        tuple(int(theme.paper[i : i + 2], 16) / 255 for i in (1, 3, 5))
    )


def test_a_method_without_a_figure_is_left_out_of_that_panel():
    figure = comparison_figure([*ROWS, row("FineTune", 50, 97)], ())
    left, right = ({text.get_text() for text in axes.texts} for axes in figure.axes)
    assert "FT" in left - right
