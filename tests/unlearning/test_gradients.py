import pytest
import torch

from slug_lightning.errors import BadDataError, DataNotFoundError, NonFiniteError
from slug_lightning.unlearning.gradients import GradientAccumulator, Gradients

SHAPES = {"a": torch.zeros(3, 2), "b": torch.zeros(4)}


def gradients_of(seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(t.shape, generator=generator) for t in SHAPES.values()]


def filled():
    accumulator = GradientAccumulator(SHAPES)
    accumulator.add("forget", gradients_of(0), 1.5, 2, "batch 0")
    accumulator.add("forget", gradients_of(1), 0.5, 6, "batch 1")
    accumulator.add("retain", gradients_of(2), 3.0, 4, "batch 2")
    return accumulator


def test_mean_is_over_samples_not_over_batches():
    gradients = filled().finish()
    torch.testing.assert_close(gradients.forget["a"], (gradients_of(0)[0] + gradients_of(1)[0]) / 8)
    assert gradients.losses["forget"] == 2.0 / 8
    assert gradients.pairs == {"forget": 8, "retain": 4}


def test_roles_do_not_leak():
    gradients = filled().finish()
    torch.testing.assert_close(gradients.retain["b"], gradients_of(2)[1] / 4)


def test_half_precision_gradients_are_summed_in_float32():
    accumulator = GradientAccumulator({"a": torch.zeros(1, dtype=torch.bfloat16)})
    for _ in range(1000):
        accumulator.add("forget", [torch.ones(1, dtype=torch.bfloat16)], 0.0, 1, "b")
    assert accumulator.sums["forget"]["a"].dtype == torch.float32
    assert accumulator.sums["forget"]["a"].item() == 1000  # bfloat16 would stop at 256


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


def test_non_finite_names_layer_and_batch_and_changes_nothing():
    accumulator = filled()
    before = accumulator.sums["forget"]["a"].clone()
    bad = gradients_of(3)
    bad[1][2] = float("inf")
    with pytest.raises(NonFiniteError, match=r"forget gradient of layer 'b' .* batch 7"):
        accumulator.add("forget", bad, 0.0, 1, "batch 7")
    assert torch.equal(accumulator.sums["forget"]["a"], before)


def test_empty_role_is_refused():
    accumulator = GradientAccumulator(SHAPES)
    accumulator.add("retain", gradients_of(0), 1.0, 2, "batch 0")
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
