import pytest
import torch

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.neighbours import NeighbourSettings, confusion, judge_neighbours, neighbours
from tests.audit.making import make_host


def test_confusion_counts_every_image_once():
    generator = torch.Generator().manual_seed(0)
    scores, labels = torch.randn(50, 4, generator=generator), torch.randint(0, 4, (50,), generator=generator)
    counts = confusion(scores, labels, 4)
    assert counts.sum() == 50
    assert counts.sum(dim=1).tolist() == torch.bincount(labels, minlength=4).tolist()
    assert int(counts.diagonal().sum()) == int((scores.argmax(dim=1) == labels).sum())


def test_nearest_names_come_first_and_the_concept_before_them():
    findings = neighbours(make_host(), NeighbourSettings(shown=3))
    figures = [f for f in findings.figures if f.version == "before"]
    assert figures[0].condition == "ben"
    closeness = [figure.x for figure in figures[1:]]
    assert closeness == sorted(closeness, reverse=True)
    matrix = findings.matrices["confusion"]
    assert matrix["names"] == [figure.condition for figure in figures[:3]]
    assert all(0 <= value <= 1 for row in matrix["after"] for value in row)


def test_the_diagonal_is_each_names_accuracy():
    findings = neighbours(make_host(), NeighbourSettings())
    matrix = findings.matrices["confusion"]
    for version in ("before", "after", "gold"):
        for i, name in enumerate(matrix["names"]):
            (figure,) = findings.pick(f"name/{name}", version)
            assert matrix[version][i][i] == pytest.approx(figure.value)


def test_the_concepts_own_fall_is_no_drop_of_a_neighbour():
    findings = neighbours(make_host(update=0.0, gold=False), NeighbourSettings())
    (check,) = judge_neighbours(findings, Limits(neighbour_drop=0.0))
    assert check.value == 0
    assert check.met
    assert "ben" not in check.what
