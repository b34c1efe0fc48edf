"""A model that carries several deletions, and what taking one of them back does to the others."""

import json

import pytest
import torch
from safetensors.torch import save_file

from slug_lightning.errors import DataNotFoundError, PatchMismatchError, SettingError
from slug_lightning.models import get_layer, load_clip
from slug_lightning.patch import Patch, apply_to_folder, revert_folder
from slug_lightning.patch.ledger import consequences, find_entry, read_ledger
from tests.patch.conftest import ABOUT
from tests.patch.test_folder import base  # noqa: F401  a fixture

PROJ, TEXT = "visual.proj", "text_projection"


def made(clip, layer, concept, seed):
    direction = torch.randn(get_layer(clip.model, layer).shape, generator=torch.Generator().manual_seed(seed))
    return Patch.create(clip.model, layer, direction, 0.1, {**ABOUT, "concept": concept})


def opened(folder):
    return load_clip(f"local-dir:{folder}")


def weights(folder):
    return opened(folder).model.state_dict()


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.fixture
def joint(base, tmp_path):  # noqa: F811
    """Three patches made on the base, two of them of one layer, applied one after the other."""
    patches = [made(base, *p) for p in ((PROJ, "ada", 0), (TEXT, "ben", 1), (PROJ, "cem", 2))]
    clip = base
    for number, patch in enumerate(patches):
        clip = opened(apply_to_folder(patch, clip, tmp_path / f"m{number}"))
    return base, patches, tmp_path / "m2"


def test_patches_of_the_original_weights_are_added_up(joint):
    base, patches, folder = joint  # noqa: F811
    found, before = weights(folder), base.model.state_dict()
    assert torch.equal(found[PROJ], (before[PROJ] + patches[0].update) + patches[2].update)
    assert torch.equal(found[TEXT], before[TEXT] + patches[1].update)
    entries = read_ledger(folder)
    assert [entry.concept for entry in entries] == ["ada", "ben", "cem"]
    assert all(entry.made_without == () for entry in entries)
    written = json.loads((folder / "slug_ledger.json").read_text())["deletions"]
    assert [entry["concept"] for entry in written] == ["ada", "ben", "cem"]
    assert all(len(entry["update_sha256"]) == 64 and entry["applied"] for entry in written)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_without_one_the_model_is_as_if_it_had_never_been_applied(joint, tmp_path, number):
    base, patches, folder = joint  # noqa: F811
    revert_folder(folder, tmp_path / "less", number)
    clip = base
    for i, patch in enumerate(p for n, p in enumerate(patches) if n != number):
        clip = opened(apply_to_folder(patch, clip, tmp_path / f"other{i}"))
    assert same(weights(tmp_path / "less"), clip.model.state_dict())
    assert [e.concept for e in read_ledger(tmp_path / "less")] == [
        concept for n, concept in enumerate(("ada", "ben", "cem")) if n != number
    ]


def test_without_all_in_any_order_the_model_is_the_base(joint, tmp_path):
    base, _, folder = joint  # noqa: F811
    for step, number in enumerate((1, 0, 0)):
        folder = revert_folder(folder, tmp_path / f"less{step}", number)
    assert same(weights(folder), base.model.state_dict())
    assert not (folder / "slug_undo").exists()
    assert not (folder / "slug_ledger.json").exists()


def test_weights_that_were_changed_since_are_not_given_back_as_if_they_were_the_old_ones(joint, tmp_path):
    folder = joint[2]
    changed = weights(folder)
    changed["logit_scale"] = changed["logit_scale"] + 0.01
    save_file(changed, folder / "open_clip_model.safetensors")
    with pytest.raises(PatchMismatchError, match="was changed after the last patch"):
        revert_folder(folder, tmp_path / "less")
    assert not (tmp_path / "less").exists()


def test_a_patch_made_on_the_patched_model_says_without_whom(base, tmp_path):  # noqa: F811
    first = opened(apply_to_folder(made(base, PROJ, "ada", 0), base, tmp_path / "m0"))
    apply_to_folder(made(first, TEXT, "ben", 1), first, tmp_path / "m1")
    entries = read_ledger(tmp_path / "m1")
    assert [entry.made_without for entry in entries] == [(), ("ada",)]
    (said,) = consequences(entries, 0)
    assert "'ben': stays, bit for bit; its figures were measured without 'ada', measure them again" in said
    (said,) = consequences(entries, 1)
    assert said.endswith("'ada': stays, bit for bit.")


def test_the_same_patch_is_not_added_twice(joint, tmp_path):
    _, patches, folder = joint
    with pytest.raises(PatchMismatchError):
        apply_to_folder(patches[0], opened(folder), tmp_path / "twice")
    assert not (tmp_path / "twice").exists()


def test_a_patch_of_another_model_is_refused_beside_others(joint, tmp_path):
    base, _, folder = joint  # noqa: F811
    with torch.no_grad():
        get_layer(base.model, TEXT).add_(1)
    stranger = made(base, TEXT, "eve", 5)
    with pytest.raises(PatchMismatchError, match="not the one the patch was made on"):
        apply_to_folder(stranger, opened(folder), tmp_path / "no")


def test_unknown_numbers_and_names_are_one_sentence(joint, tmp_path):
    _, _, folder = joint
    with pytest.raises(DataNotFoundError, match="carries 3 patches, 0 to 2; there is no 7"):
        revert_folder(folder, tmp_path / "no", 7)
    with pytest.raises(SettingError, match="no deletion of 'adda'. Closest: .*ada"):
        find_entry(read_ledger(folder), "adda")
