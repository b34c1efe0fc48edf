import pytest

from slug_lightning.reports.figures.folding import OTHERS, fold_metrics
from slug_lightning.reports.tables import SearchRow

BASE = {"forget/top1": 1.0, "retain/identities_top1": 0.9, "retain/imagenet_top1": 0.6}


def row(**metrics):
    names = {"forget/top1": 0.0, "retain/identities_top1": 0.9, "retain/imagenet_top1": 0.6}
    return SearchRow(0, "a", "text", 1.0, 0.1, True, False, {**metrics, **names})


def extra(*values):
    return {f"retain/a{i}": value for i, value in enumerate(values)}


def test_few_metrics_stay_as_they_are():
    rows = [row(**extra(0.5, 0.5))]
    assert fold_metrics(rows, BASE, most=4) == (rows, BASE, {})


def test_of_many_the_known_ones_stay_and_the_others_show_their_largest_loss():
    baseline = {**BASE, **extra(0.5, 0.1, 0.8)}
    rows, before, labels = fold_metrics(
        [row(**extra(0.5, 0.08, 0.8)), row(**extra(0.1, 0.1, 0.8))], baseline, 3
    )
    assert [set(r.metrics) for r in rows] == [{*BASE, OTHERS}] * 2
    assert [r.metrics[OTHERS] for r in rows] == pytest.approx([0.8, 0.2])
    assert before == {**BASE, OTHERS: 1.0}
    assert labels == {OTHERS: "3 others, smallest share kept"}


def test_gains_are_no_loss_and_what_was_not_measured_is_left_out():
    baseline = {**BASE, **extra(0.5, 0.0, 0.8)}
    rows, _, _ = fold_metrics([row(**extra(0.6, 0.0, None)), row(**extra(None, None, None))], baseline, 3)
    assert [r.metrics[OTHERS] for r in rows] == [1.0, None]
