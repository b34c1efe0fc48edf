import pytest
import torch
from safetensors import safe_open

from slug_lightning.errors import (
    BadDataError,
    DataNotFoundError,
    LayerNotFoundError,
    NonFiniteError,
    PatchMismatchError,
)
from slug_lightning.patch import Patch
from tests.helpers import pictures, tiny_clip
from tests.patch.conftest import ABOUT


@torch.no_grad()
def output(model):
    return model.encode_image(pictures(3).to(next(model.parameters()).dtype)).float()


def test_file_round_trip_and_contract(patch, tmp_path):
    path = tmp_path / "patch.safetensors"
    patch.save(path)
    loaded = Patch.load(path)
    assert torch.equal(loaded.update, patch.update)
    assert loaded.header == dict(patch.header)
    with safe_open(path, framework="pt") as file:
        assert list(file.keys()) == ["update"]
        assert {"format_version", "method", "concept", "layer", "tower", "step", "loss", "direction",
                "base_model", "base_fingerprint", "data_digest", "seed", "package_version", "created"} <= set(
            file.metadata()
        )  # fmt: skip


def test_patched_differs_and_leaving_restores_bit_for_bit(model, patch):
    before = {n: p.clone() for n, p in model.named_parameters()}
    base = output(model)
    with patch.applied(model):
        assert not torch.equal(output(model), base)
        torch.testing.assert_close(model.visual.proj, before["visual.proj"] + patch.update)
    assert torch.equal(output(model), base)
    assert all(torch.equal(before[n], p) for n, p in model.named_parameters())


def test_restored_also_after_an_error(model, patch):
    base = output(model)
    with pytest.raises(RuntimeError, match="inside"), patch.applied(model):
        raise RuntimeError("inside")
    assert torch.equal(output(model), base)


def test_apply_and_revert_in_place(model, patch):
    base = output(model)
    undo = patch.apply_(model)
    assert not torch.equal(output(model), base)
    undo.revert_()
    assert torch.equal(output(model), base)


def test_applying_twice_is_refused(model, patch):
    patch.apply_(model)
    with pytest.raises(PatchMismatchError, match="already applied"):
        patch.apply_(model)


def test_other_base_is_refused(patch):
    other = tiny_clip(seed=1)
    with pytest.raises(PatchMismatchError, match=r"is not the one the patch was made on .*'tiny'"):
        patch.apply_(other)


def test_same_layer_in_another_tower_is_refused_unless_forced(model, patch):
    with torch.no_grad():
        model.visual.conv1.weight[0, 0, 0, 0] += 1
    with pytest.raises(PatchMismatchError, match="--force"):
        patch.apply_(model)
    patch.apply_(model, force=True)


def test_the_other_tower_does_not_matter(model, patch):
    with torch.no_grad():
        model.text_projection += 1
    patch.apply_(model)


def test_other_shape_is_refused(patch):
    with pytest.raises(PatchMismatchError, match="has shape"):
        patch.apply_(tiny_clip(vision={"width": 48}))


def test_missing_layer_is_refused(patch):
    with pytest.raises(LayerNotFoundError, match=r"visual\.proj"):
        patch.apply_(tiny_clip(vision={"layers": [1, 1, 1, 1], "width": 8, "head_width": 8}))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_hosts_are_checked_by_value(model, patch, dtype):
    model = model.to(dtype)
    base = output(model)
    with patch.applied(model):
        assert not torch.equal(output(model), base)
        assert model.visual.proj.dtype == dtype
    assert torch.equal(output(model), base)
    with pytest.raises(PatchMismatchError, match="is not the one"):
        patch.apply_(tiny_clip(seed=1).to(dtype))


def test_non_finite_update_is_refused(model):
    direction = torch.full_like(model.visual.proj, float("nan")).detach()
    with pytest.raises(NonFiniteError, match=r"visual\.proj"):
        Patch.create(model, "visual.proj", direction, 1.0, ABOUT)


def test_missing_truncated_and_foreign_files_are_refused(patch, tmp_path):
    path = tmp_path / "patch.safetensors"
    with pytest.raises(DataNotFoundError, match="slug fit"):
        Patch.load(path)
    patch.save(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadDataError, match="cut short"):
        Patch.load(path)
    Patch(patch.update, {**patch.header, "format_version": "99"}).save(path)
    with pytest.raises(BadDataError, match="patch format '99'"):
        Patch.load(path)


def test_header_must_be_complete(patch):
    with pytest.raises(BadDataError, match="'seed'"):
        Patch(patch.update, {k: v for k, v in patch.header.items() if k != "seed"})
