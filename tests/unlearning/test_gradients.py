import pytest
import torch

from slug_lightning.errors import BadDataError, DataNotFoundError, NonFiniteError
from slug_lightning.unlearning.gradients import GradientAccumulator, Gradients

SHAPES = {"a": (3, 2), "b": (4,)}


def weights(dtype=torch.float32):
    return {name: torch.zeros(shape, dtype=dtype, requires_grad=True) for name, shape in SHAPES.items()}


def gradients_of(seed):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def add(accumulator, role, gradients, loss, pairs, batch="batch 0", scale=1.0):
    """A batch whose loss sum is ``loss`` and has these gradients."""
    product = sum((accumulator.weights[name] * g).sum() for name, g in gradients.items())
    accumulator.backward(role, product + loss, pairs, batch, scale)


def filled():
    accumulator = GradientAccumulator(weights())
    add(accumulator, "forget", gradients_of(0), 1.5, 2)
    add(accumulator, "forget", gradients_of(1), 0.5, 6)
    add(accumulator, "retain", gradients_of(2), 3.0, 4)
    return accumulator


def test_mean_is_over_samples_not_over_batches():
    gradients = filled().finish()
    torch.testing.assert_close(gradients.forget["a"], (gradients_of(0)["a"] + gradients_of(1)["a"]) / 8)
    assert gradients.losses["forget"] == 2.0 / 8
    assert gradients.pairs == {"forget": 8, "retain": 4}


def test_roles_do_not_leak():
    gradients = filled().finish()
    torch.testing.assert_close(gradients.retain["b"], gradients_of(2)["b"] / 4)


def test_half_precision_gradients_are_summed_in_float32():
    accumulator = GradientAccumulator(weights(torch.bfloat16))
    for _ in range(1000):
        add(accumulator, "forget", {"b": torch.ones(4, dtype=torch.bfloat16)}, 0.0, 1)
    assert accumulator.sums["forget"]["b"].dtype == torch.float32
    assert accumulator.sums["forget"]["b"].tolist() == [1000] * 4  # bfloat16 would stop at 256


def test_gradients_are_dropped_as_soon_as_they_are_added():
    accumulator = filled()
    assert all(weight.grad is None for weight in accumulator.weights.values())
    assert not any(weight._post_accumulate_grad_hooks for weight in accumulator.weights.values())


def test_a_layer_the_loss_does_not_reach_keeps_its_sum():
    accumulator = filled()
    before = accumulator.sums["forget"]["a"].clone()
    add(accumulator, "forget", {"b": torch.ones(4)}, 0.0, 1)
    assert torch.equal(accumulator.sums["forget"]["a"], before)


def test_a_scaled_loss_gives_the_same_bits():
    plain, scaled = GradientAccumulator(weights()), GradientAccumulator(weights())
    add(plain, "forget", gradients_of(0), 1.5, 2)
    add(scaled, "forget", gradients_of(0), 1.5, 2, scale=1024.0)
    assert torch.equal(plain.sums["forget"]["a"], scaled.sums["forget"]["a"])
    assert plain.loss_sums == scaled.loss_sums


def test_scaling_saves_gradients_that_float16_cannot_hold():
    small = {"b": torch.full((4,), 2.0**-26, dtype=torch.float32)}
    for scale, expected in ((1.0, 0.0), (1024.0, 2.0**-26)):
        half = {"b": torch.zeros(4, dtype=torch.float16, requires_grad=True)}
        accumulator = GradientAccumulator(half)
        accumulator.backward("forget", (half["b"].float() * small["b"]).sum(), 1, "batch 0", scale)
        assert accumulator.sums["forget"]["b"].tolist() == [expected] * 4


def test_file_round_trip(tmp_path):
    path = tmp_path / "gradients.safetensors"
    gradients = filled().finish({"base_model": "tiny"})
    gradients.save(path)
    loaded = Gradients.load(path)
    for name in SHAPES:
        assert torch.equal(loaded.forget[name], gradients.forget[name])
        assert torch.equal(loaded.retain[name], gradients.retain[name])
    assert loaded.pairs == gradients.pairs
    assert loaded.losses == gradients.losses
    assert loaded.layers == ["a", "b"]
    assert loaded.header["base_model"] == "tiny"


def test_non_finite_names_layer_and_batch():
    bad = gradients_of(3)
    bad["b"][2] = float("inf")
    with pytest.raises(NonFiniteError, match=r"forget gradient of layer 'b' .* batch 7"):
        add(filled(), "forget", bad, 0.0, 1, "batch 7")


def test_empty_role_is_refused():
    accumulator = GradientAccumulator(weights())
    add(accumulator, "retain", gradients_of(0), 1.0, 2)
    with pytest.raises(BadDataError, match="at least one forget pair"):
        accumulator.finish()


def test_missing_and_broken_files_are_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match="slug fit"):
        Gradients.load(tmp_path / "none.safetensors")
    path = tmp_path / "gradients.safetensors"
    filled().finish().save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(BadDataError, match="cut short"):
        Gradients.load(path)
