"""Retain-aware directions: gathered in the pass, kept in the file, the same on any number of processes."""

import pytest
import torch

from slug_lightning.functional import retain_aware
from slug_lightning.patch import Patch
from slug_lightning.unlearning import GradientAccumulator, Gradients
from slug_lightning.unlearning.moments import DIRECTIONS, Moments
from tests.helpers import fit

SHAPES = {"a": (4, 3), "b": (2, 3, 2, 2)}


def gradients_of(seed):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def filled(batches):
    """An accumulator that saw one forget batch and these retain batches: gradients of a loss sum, pairs."""
    weights = {name: torch.zeros(shape, requires_grad=True) for name, shape in SHAPES.items()}
    accumulator = GradientAccumulator(weights, Moments())
    for role, gradients, pairs in [("forget", gradients_of(0), 2), *(("retain", *b) for b in batches)]:
        loss = sum((weights[name] * g).sum() for name, g in gradients.items())
        accumulator.backward(role, loss, pairs, "batch", scale=8.0)
    return accumulator


BATCHES = [(gradients_of(seed), pairs) for seed, pairs in ((1, 4), (2, 4), (3, 2))]


def test_directions_are_those_of_the_formula_and_forget_batches_take_no_part():
    found = filled(BATCHES).finish()
    for name in SHAPES:
        every = [(g[name].flatten(1), n) for g, n in BATCHES]
        rows, columns = sum(g @ g.T / n for g, n in every), sum(g.T @ g / n for g, n in every)
        torch.testing.assert_close(found.direction(name), retain_aware(found.forget[name], rows, columns))
        assert not torch.allclose(found.direction(name), found.forget[name])


def test_two_processes_equal_one():
    one, other, whole = filled(BATCHES[:2]), filled(BATCHES[2:]), filled(BATCHES)
    lone = [m for name in SHAPES for m in other.moments.sums[name]]
    one.moments.reduce_(one.weights, lambda total: total + lone.pop(0))
    for name in SHAPES:
        for found, expected in zip(one.moments.sums[name], whole.moments.sums[name], strict=True):
            torch.testing.assert_close(found, expected)


def test_a_process_without_batches_takes_part_with_zeros():
    idle = filled([])
    called = []
    idle.moments.reduce_(idle.weights, lambda total: called.append(total.shape) or total)
    assert called == [(4, 4), (3, 3), (2, 2), (12, 12)]


def test_without_moments_the_direction_is_the_forget_gradient():
    weights = {"a": torch.zeros(4, 3, requires_grad=True)}
    accumulator = GradientAccumulator(weights)
    for role in ("forget", "retain"):
        accumulator.backward(role, (weights["a"] * gradients_of(0)["a"]).sum(), 1, "batch")
    found = accumulator.finish()
    assert found.direction("a") is found.forget["a"]


def test_directions_come_back_from_the_file(tmp_path):
    found = filled(BATCHES).finish()
    found.save(tmp_path / "gradients.safetensors")
    loaded = Gradients.load(tmp_path / "gradients.safetensors")
    assert all(torch.equal(loaded.direction(name), found.direction(name)) for name in SHAPES)


def test_a_run_patches_along_the_direction_says_so_and_finds_it_again(tiny_world, tmp_path):
    few = ("--data.retain_limit", "128", "--data.forget_sample", "16", "--data.imagenet", "null")
    aware = (*few, "--model.direction", "retain_aware", "--model.search.towers", "[text]")
    aware = (*aware, "--model.search.forget_target", "0.5")  # a feasible point is not what is tested
    run = fit(tiny_world, tmp_path, *aware)
    gradients, patch = Gradients.load(run / "gradients.safetensors"), Patch.load(run / "patch.safetensors")
    torch.testing.assert_close(patch.update, patch.step * gradients.directions[patch.layer])
    assert patch.header["direction"] == DIRECTIONS["retain_aware"]
    assert all((gradients.forget[n] * d).sum() > 0 for n, d in gradients.directions.items())  # the sign
    from slug_lightning.cli.lightning import build
    from tests.helpers import words

    again = build(words(tiny_world, tmp_path, *aware)).model
    assert again.gradients_from == run / "gradients.safetensors"
    assert torch.equal(again.direction(patch.layer), gradients.directions[patch.layer])


@pytest.mark.parametrize("kind", DIRECTIONS)
def test_every_direction_says_that_it_raises_the_loss(kind):
    assert "theta + update raises the loss" in DIRECTIONS[kind]
