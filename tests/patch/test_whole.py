import pytest
import torch

from slug_lightning.errors import BadDataError, LayerNotFoundError, NonFiniteError, PatchMismatchError
from slug_lightning.patch import Patch, WholePatch
from tests.helpers import pictures, tiny_clip

ABOUT = dict.fromkeys(("concept", "setting", "base_model", "data_digest", "seed", "package_version"), "x")
ABOUT |= {"method": "salun"}


def updates(model):
    return {n: torch.full_like(w, 0.01) for n, w in model.named_parameters() if "proj" in n}


@pytest.fixture
def model():
    return tiny_clip()


@pytest.fixture
def patch(model):
    return WholePatch.create(model, updates(model), ABOUT)


def test_saved_and_loaded_it_is_the_same(patch, tmp_path):
    patch.save(tmp_path / "patch.safetensors")
    loaded = WholePatch.load(tmp_path / "patch.safetensors")
    assert loaded.header == patch.header
    assert loaded.header["layers"] == str(len(patch.updates))
    assert all(torch.equal(loaded.updates[n], update) for n, update in patch.updates.items())


def test_applied_it_changes_what_the_model_says_and_afterwards_nothing_is_left(patch, model):
    before, weights = model.encode_image(pictures(2)), {n: w.clone() for n, w in model.state_dict().items()}
    with patch.applied(model) as patched:
        assert not torch.allclose(patched.encode_image(pictures(2)), before)
        for name, update in patch.updates.items():
            assert torch.equal(patched.get_parameter(name), weights[name] + update)
    assert all(torch.equal(w, weights[n]) for n, w in model.state_dict().items())


def test_an_error_inside_the_block_restores_the_model(patch, model):
    weights = {n: w.clone() for n, w in model.state_dict().items()}
    with pytest.raises(ZeroDivisionError), patch.applied(model):
        raise ZeroDivisionError
    assert all(torch.equal(w, weights[n]) for n, w in model.state_dict().items())


def test_other_models_are_refused(patch, model):
    other = tiny_clip(seed=1)
    with pytest.raises(PatchMismatchError, match="not those that the patch was made on"):
        patch.check(other)
    with (
        pytest.raises(PatchMismatchError, match="not those that the patch was made on"),
        patch.applied(model),
    ):
        patch.check(model)  # it is on already
    with pytest.raises(PatchMismatchError, match="has shape"):
        patch.check(tiny_clip(vision={"width": 48}))
    with pytest.raises(LayerNotFoundError):
        patch.check(torch.nn.Linear(2, 2))


def test_files_of_either_kind_are_told_apart(patch, model, tmp_path):
    patch.save(tmp_path / "whole.safetensors")
    with pytest.raises(BadDataError, match=r"updates of \d+ layers \(method 'salun'\), but a patch has one"):
        Patch.load(tmp_path / "whole.safetensors")
    about = dict.fromkeys(("concept", "base_model", "data_digest", "seed", "package_version", "created"), "x")
    Patch.create(model, "visual.proj", torch.ones_like(model.visual.proj), 1.0, about).save(
        tmp_path / "one.safetensors"
    )
    with pytest.raises(BadDataError, match="Use Patch.load for one of a single layer"):
        WholePatch.load(tmp_path / "one.safetensors")


def test_nothing_and_what_is_not_finite_are_refused(model):
    with pytest.raises(BadDataError, match="there is no update"):
        WholePatch.create(model, {}, ABOUT)
    with pytest.raises(BadDataError, match="'method'.*are missing"):
        WholePatch.create(model, updates(model), {})
    broken = {"visual.proj": torch.full_like(model.visual.proj, float("nan"))}
    with pytest.raises(NonFiniteError, match=r"layer 'visual.proj' holds NaN"):
        WholePatch.create(model, broken, ABOUT)
