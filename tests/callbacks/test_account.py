import torch

from slug_lightning.callbacks.account import device_name, peak_memory, search_rows
from slug_lightning.metrics import Accuracy
from slug_lightning.search import Measured, Point, Probe, Trace


def test_rows_leave_unmeasured_metrics_empty_and_mark_the_winner():
    forget, keep = {"forget/top1": Accuracy(0, 4)}, {"retain/imagenet_top1": Accuracy(3, 4)}
    probes = (
        Probe(0, Point("visual.proj", 1.0), 0.1, Measured({"forget/top1": Accuracy(4, 4)}), False),
        Probe(1, Point("visual.proj", 2.0), 0.2, Measured({**forget, **keep}), True),
    )
    rows = search_rows(Trace(Measured(keep), probes, probes[1]))
    assert [row.metrics["retain/imagenet_top1"] for row in rows] == [None, 0.75]
    assert [row.chosen for row in rows] == [False, True]


def test_the_least_bad_point_is_not_marked_as_chosen():
    probe = Probe(0, Point("visual.proj", 1.0), 0.1, Measured({"forget/top1": Accuracy(4, 4)}), False)
    assert not search_rows(Trace(Measured({}), (probe,), probe))[0].chosen


def test_memory_and_device_of_a_cpu():
    assert peak_memory(torch.device("cpu")) > 10**7
    assert device_name(torch.device("cpu")).startswith("cpu (")
