import os

import pytest
import torch

from slug_lightning.unlearning import GradientAccumulator
from slug_lightning.unlearning.finished import SHARED, find_gradients, find_retain


def gradients(key):
    accumulator = GradientAccumulator({"a": torch.zeros(2, requires_grad=True)})
    for role in ("forget", "retain"):
        accumulator.backward(role, accumulator.weights["a"].sum(), 1, "batch 0")
    return accumulator.finish({"key": key, "retain_key": f"retain {key}"})


@pytest.fixture
def runs(tmp_path):
    tmp_path = tmp_path / "seven"
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


def test_retain_gradients_are_found_beside_other_concepts(runs):
    assert find_retain(runs.parent, "retain y") == runs / "run2" / "gradients.safetensors"
    assert find_retain(runs.parent, "y") is None


def test_retain_gradients_that_a_sweep_keeps_for_all_come_before_newer_ones(runs):
    kept = runs.parent / SHARED / "group" / "gradients.safetensors"
    gradients("y").save(kept)
    os.utime(kept, (1, 1))
    assert find_retain(runs.parent, "retain y") == kept
    assert find_retain(runs.parent, "retain x") == runs / "run1" / "gradients.safetensors"
