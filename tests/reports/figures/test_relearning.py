from slug_lightning.reports.figures.relearning import curves_of, relearning_figure
from tests.reports.audit_document import make_audit

CURVES = curves_of(make_audit()["hosts"]["clip"]["attacks"]["relearning"])


def test_a_panel_for_each_data_and_a_line_for_each_version():
    figure = relearning_figure(CURVES)
    assert len(figure.axes) == len(CURVES) == 2
    for axes, versions in zip(figure.axes, CURVES.values(), strict=True):
        lines = {tuple(line.get_ydata()) for line in axes.lines}
        assert lines == {tuple(100 * f["value"] for f in figures) for figures in versions.values()}


def test_all_panels_have_one_scale():
    assert {axes.get_ylim() for axes in relearning_figure(CURVES).axes} == {(0.0, 100.0)}
    assert len({axes.get_xlim() for axes in relearning_figure(CURVES).axes}) == 1


def test_many_panels_take_more_lines():
    many = {f"{k} forget pairs": CURVES["4 forget pairs"] for k in range(5)}
    one, two = relearning_figure(dict(list(many.items())[:3])), relearning_figure(many)
    assert two.get_figheight() > one.get_figheight()
