import pytest
import torch

from slug_lightning.errors import HostError, PatchMismatchError, SettingError
from slug_lightning.hosts.conversion import to_transformers
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch, apply_to_host
from slug_lightning.patch.host_clip import clip_of_host
from tests.hosts.building import llava, noisy
from tests.patch.test_patch_on_hosts import patch_for

LAYER = "transformer.resblocks.2.attn.in_proj_weight"


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A half-precision text encoder that was trained on: its weights are the miniature's no longer."""
    folder = tmp_path_factory.mktemp("tuned") / "encoder"
    encoder = to_transformers(load_clip("miniature").model, "CLIPTextModel")
    noisy(encoder, 3).half().save_pretrained(folder)
    return folder


def test_a_patch_made_on_the_hosts_own_tower_fits_the_host(tuned, tmp_path):
    clip = load_clip("miniature")
    before = {name: weight.clone() for name, weight in clip.model.named_parameters()}
    with pytest.raises(PatchMismatchError, match="is not the one"):
        apply_to_host(patch_for(clip.model, LAYER), tuned, tmp_path / "out")
    clip_of_host(tuned, clip, tmp_path / "own")
    assert all(torch.equal(weight, before[name]) for name, weight in clip.model.named_parameters())

    own = load_clip(f"local-dir:{tmp_path / 'own'}")
    assert torch.equal(own.tokenize(["seven."]), clip.tokenize(["seven."]))
    assert torch.equal(own.model.visual.proj, clip.model.visual.proj)
    patch: Patch = patch_for(own.model, LAYER)
    assert apply_to_host(patch, tuned, tmp_path / "out").forced == ()


def test_another_architecture_is_refused(tmp_path):
    llava().save_pretrained(tmp_path / "llava")
    with pytest.raises(HostError, match="Take the architecture that the host is built on"):
        clip_of_host(tmp_path / "llava", load_clip("miniature"), tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_an_existing_folder_is_not_overwritten(tuned, tmp_path):
    with pytest.raises(SettingError, match="exists already"):
        clip_of_host(tuned, load_clip("miniature"), tmp_path)
