import dataclasses

import pytest

from slug_lightning.errors import BadDataError
from slug_lightning.reports.figures.search import feasible_spans, rank_layers, search_figure
from slug_lightning.reports.tables import SearchRow
from slug_lightning.reports.wording import short_layer
from tests.reports.run_directory import make_layers, make_search

LAYERS = make_layers()
SEARCH = make_search(LAYERS)
EVERY = make_search([dataclasses.replace(row, front=True) for row in LAYERS])


def point(step, forget, retain=None, layer="visual.proj", chosen=False):
    metrics = {"forget/top1": forget, "retain/a": retain}
    return SearchRow(0, layer, "vision", step, step, forget == 0, chosen, metrics)


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_one_panel_for_each_layer_with_all_its_measured_points():
    figure = search_figure(SEARCH)
    groups = rank_layers(SEARCH, "forget/top1", {})
    assert len(figure.axes) == len(groups) == len({row.layer for row in SEARCH})
    for axes, group in zip(figure.axes, groups, strict=True):
        drawn = {
            (x, round(y, 9))
            for line in axes.lines
            if line.get_marker() == "o" and line.get_linestyle() != "None"
            for x, y in zip(*line.get_data(), strict=True)
        }
        points = {(row.step, round(100 * (row.metrics["forget/top1"] or 0), 9)) for row in group}
        assert points <= drawn


def test_the_chosen_layer_comes_first_and_is_marked():
    figure = search_figure(SEARCH)
    chosen = next(row for row in SEARCH if row.chosen)
    assert titles(figure)[0] == f"{short_layer(chosen.layer, chosen.tower)} (chosen)"
    assert not any("chosen" in title for title in titles(figure)[1:])


def test_layers_are_ordered_by_feasible_then_retained_then_forgotten():
    rows = [
        point(1, 0.5, 0.9, "far"),
        point(1, 0.2, 0.9, "near"),
        point(1, 0.0, 0.6, "poor"),
        point(1, 0.0, 0.8, "good"),
        point(1, 0.0, 0.1, "picked", chosen=True),
    ]
    order = [group[0].layer for group in rank_layers(rows, "forget/top1", {})]
    assert order == ["picked", "good", "poor", "near", "far"]


def test_the_baseline_decides_which_loss_is_worst():
    a = SearchRow(0, "a", "vision", 1, 1, True, False, {"forget/top1": 0, "retain/x": 0.4})
    b = SearchRow(0, "b", "vision", 1, 1, True, False, {"forget/top1": 0, "retain/y": 0.5})
    order = [group[0].layer for group in rank_layers([b, a], "forget/top1", {"retain/x": 0.4})]
    assert order == ["a", "b"]


def test_layers_whose_points_were_given_up_come_after_those_that_were_measured():
    about = ("vision", 1, 1, True, False)
    lost = SearchRow(0, "a", *about, {"forget/top1": 0, "retain/a": 0.9, "retain/b": None})
    kept = SearchRow(1, "b", *about, {"forget/top1": 0, "retain/a": 0.8, "retain/b": 0.1})
    assert rank_layers([lost, kept], "forget/top1", {}) == [[kept], [lost]]


def test_at_most_twelve_panels_and_what_is_left_out_is_said():
    figure = search_figure(EVERY)
    assert len(figure.axes) == 12
    left_out = len({row.layer for row in EVERY}) - 12
    assert any(f"{left_out} more layers" in text.get_text() for text in figure.texts)


def test_a_step_is_shaded_when_its_nearest_measured_step_is_feasible():
    group = [point(1, 0.9), point(4, 0.0), point(16, 0.3), point(64, 0.0), point(256, 0.0)]
    assert feasible_spans(group, (0.5, 512)) == [(2, 8), (32, 512)]
    assert feasible_spans([point(1, 0.9)], (0.5, 2)) == []
    assert feasible_spans([point(1, 0.0)], (0.5, 2)) == [(0.5, 2)]


def test_metrics_that_were_never_measured_need_no_points():
    figure = search_figure([point(1, 0.5), point(2, 0.0)], baseline={"retain/a": 0.9})
    assert len(figure.axes) == 1


def test_a_single_step_can_be_drawn():
    low, high = search_figure([point(3, 0.5)]).axes[0].get_xlim()
    assert low < 3 < high


def test_no_points_at_all_is_an_error():
    with pytest.raises(BadDataError, match="at least one point"):
        search_figure([])
