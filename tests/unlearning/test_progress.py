import os

import pytest
import torch

from slug_lightning.unlearning import GradientAccumulator
from slug_lightning.unlearning.progress import Progress, find_gradients, progress_file


def progress():
    sums = {
        role: {"a.weight": torch.randn(3, 2, generator=torch.Generator().manual_seed(i))}
        for i, role in enumerate(("forget", "retain"))
    }
    return Progress(
        sums,
        {"forget": 7, "retain": 120},
        {"forget": 0.1 + 0.2, "retain": 1e-17},
        {"forget": 1, "retain": 3},
        {"forget": {}, "retain": {"excluded": 8}},
    )


def test_what_is_read_is_what_was_written_to_the_last_bit(tmp_path):
    path, kept = tmp_path / "p.safetensors", progress()
    kept.save(path, "key")
    read = Progress.load(path, "key")
    for role, some in kept.sums.items():
        assert torch.equal(read.sums[role]["a.weight"], some["a.weight"])
    assert (read.pairs, read.loss_sums) == (kept.pairs, kept.loss_sums)
    assert (read.groups, read.skipped) == (kept.groups, kept.skipped)


def test_progress_of_something_else_or_of_nothing_is_none(tmp_path):
    path = tmp_path / "p.safetensors"
    assert Progress.load(path, "key") is None
    progress().save(path, "other")
    assert Progress.load(path, "key") is None
    path.write_bytes(b"junk")
    assert Progress.load(path, "key") is None


def gradients(key):
    accumulator = GradientAccumulator({"a": torch.zeros(2, requires_grad=True)})
    for role in ("forget", "retain"):
        accumulator.backward(role, accumulator.weights["a"].sum(), 1, "batch 0")
    return accumulator.finish({"key": key})


@pytest.fixture
def runs(tmp_path):
    for number, key in enumerate(("x", "x", "y")):
        path = tmp_path / f"run{number}" / "gradients.safetensors"
        gradients(key).save(path)
        os.utime(path, (1000 + number, 1000 + number))
    return tmp_path


def test_gradients_are_found_by_what_they_are_of_the_newest_first(runs):
    assert find_gradients(runs, "x") == runs / "run1" / "gradients.safetensors"
    assert find_gradients(runs, "z") is None


def test_broken_gradients_are_not_found(runs):
    newest = runs / "run1" / "gradients.safetensors"
    newest.write_bytes(newest.read_bytes()[:-4])
    assert find_gradients(runs, "x") == runs / "run0" / "gradients.safetensors"


def test_the_file_of_a_key_is_hidden_and_its_own(tmp_path):
    one, two = progress_file(tmp_path, "a" * 64), progress_file(tmp_path, "b" * 64)
    assert one != two
    assert one.name.startswith(".progress-")
