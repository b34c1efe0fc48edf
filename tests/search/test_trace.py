import pytest

from slug_lightning.metrics import Accuracy
from slug_lightning.search.trace import Measured, Point, Probe, relative_drops


def test_drops_are_relative_and_largest_first():
    before = Measured({"retain/a": Accuracy(50, 100), "retain/b": Accuracy(80, 100)})
    after = Measured({"retain/a": Accuracy(40, 100), "retain/b": Accuracy(84, 100)})
    assert relative_drops(before, after) == pytest.approx([0.2, -0.05])


def test_forget_metrics_and_empty_metrics_do_not_count():
    before = Measured({"forget/top1": Accuracy(9, 9), "retain/a": Accuracy(0, 0)})
    assert relative_drops(before, before) == []


def test_merge_adds_up():
    one, two = Measured({"forget/top1": Accuracy(1, 2)}, 1), Measured({"retain/a": Accuracy(3, 4)}, 2)
    assert one.merge(two) == Measured({"forget/top1": Accuracy(1, 2), "retain/a": Accuracy(3, 4)}, 3)


def test_tower_of_a_probe():
    assert Probe(0, Point("visual.proj", 1.0), 0.1, Measured({}), True).tower == "vision"
