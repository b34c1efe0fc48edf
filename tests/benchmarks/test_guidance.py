"""The shared computations give what `slug fit` gives, and the summary says what the rows say."""

import json

import pytest

from benchmarks.guidance.laboratory import Laboratory, Sample
from benchmarks.guidance.summary import (
    by_size,
    change,
    figure,
    layers_per_concept,
    reference,
    same_layer,
    table,
)
from tests.helpers import fit


def assert_equal(laboratory, forget, retain, run):
    ((scores, trace, after),) = laboratory.results(forget, [retain])
    report = json.loads((run / "report.json").read_text())
    assert (trace.best.point.layer, trace.feasible) == (report["layer"], report["feasible"])
    assert trace.best.point.step == pytest.approx(report["step"], rel=1e-4)
    before = laboratory.before()
    for name, found in report["metrics"].items():
        assert before.metrics[name].value == pytest.approx(found["before"]["value"])
        assert after.metrics[name].value == pytest.approx(found["after"]["value"])
        assert after.metrics[name].n == found["after"]["n"]
    assert {score.layer for score in scores if score.front} >= {report["layer"]}


@pytest.mark.slow
def test_all_pairs_give_the_result_of_a_run(tiny_world, tiny_run):
    assert_equal(Laboratory(tiny_world, "seven"), Sample(), Sample(), tiny_run)


@pytest.mark.slow
def test_a_sample_gives_the_result_of_a_run_beside_other_samples(tiny_world, tmp_path):
    laboratory = Laboratory(tiny_world, "three")
    laboratory.results(Sample(16, 1), [Sample(64, 0), Sample()])
    sample = ("--data.retain_sample", "128", "--data.forget_sample", "16", "--data.sample_seed", "1")
    run = fit(tiny_world, tmp_path, "--data.concept", "three", *sample, status=None)
    assert_equal(laboratory, Sample(16, 1), Sample(128, 1), run)


def row(concept, forget, retain, layer, value=0.0):
    before = {
        name: {"value": 0.9} for name in ("forget/top1", "retain/identities_top1", "retain/imagenet_top1")
    }
    edited = {**before, "forget/top1": {"value": value}, "retain/identities_top1": {"value": 0.88}}
    about = {"concept": concept, "forget": forget, "retain": retain, "layer": layer, "feasible": not value}
    return {**about, "forget_cosine": 0.5, "retain_cosine": 1.0, "before": before, "after": edited}


ROWS = [
    row("a", 8, 64, "one"),
    row("a", 8, 64, "two", 0.1),
    row("b", 8, 64, "two"),
    row("a", None, 64, "one"),
    row("a", 8, None, "one"),
    row("a", None, None, "one"),
    row("b", None, None, "one"),
]


def test_summary_of_rows():
    groups, chosen = by_size(ROWS), reference(ROWS)
    assert list(groups) == [(8, 64), (8, None), (None, 64), (None, None)]
    assert chosen == {"a": "one", "b": "one"}
    assert same_layer(groups[8, 64], chosen) == pytest.approx(1 / 3)
    assert layers_per_concept(groups[8, 64]) == 1.5
    assert change(ROWS[0], "retain/identities_top1") == pytest.approx(-2.0)
    line = table(ROWS).splitlines()[2]
    assert line == (
        "| 8 | 64 | 3 | 1.5 | 33 % | 0.50 | 1.00 | 2 of 3 | 3.3, 10.0 | -2.0, -2.0 | +0.0, +0.0 |"
    )


def test_figure_shows_every_run_and_every_mean():
    panels = figure(ROWS).axes
    assert len(panels) == 3
    means = [line for line in panels[1].lines if line.get_linestyle() == "-"]
    dots = [line for line in panels[1].lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in dots) == len(ROWS)
    assert [list(line.get_ydata()) for line in means] == [[pytest.approx(10 / 3), 0.0], [0.0, 0.0]]
