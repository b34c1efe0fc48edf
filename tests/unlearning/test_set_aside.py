import resource
import sys
from pathlib import Path

import pytest
import torch

from slug_lightning.unlearning.set_aside import set_aside


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_values_stay_and_can_be_changed(tmp_path):
    tensors = {"a": torch.randn(3, 5), "b": torch.randn(7), "c": torch.tensor(2.0)}
    kept = set_aside(tensors, tmp_path / "new")
    assert list(kept) == list(tensors)
    for name, tensor in tensors.items():
        assert torch.equal(kept[name], tensor)
    kept["a"].div_(2)
    assert torch.equal(kept["a"], tensors["a"] / 2)
    assert torch.equal(kept["b"], tensors["b"])
    assert list((tmp_path / "new").iterdir()) == []  # nothing is left, whatever happens to the process


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_they_take_no_memory_until_they_are_read(tmp_path):
    size = 2**24  # 64 MiB
    tensors = {"a": torch.ones(size)}
    before = resident()
    kept = set_aside(tensors, tmp_path)
    del tensors
    assert resident() < before - 3 * size
    assert kept["a"].sum() == size
