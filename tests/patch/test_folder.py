import json

import open_clip
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from slug_lightning.errors import DataNotFoundError, PatchMismatchError, SettingError
from slug_lightning.models import candidate_layers, load_clip, tower_of
from slug_lightning.patch import Patch, apply_to_folder, revert_folder
from tests.architectures import small_timm, write_folder
from tests.helpers import TEXT, VISION, pictures, tiny_clip
from tests.patch.conftest import ABOUT

VOCABULARY = {"vocab_size": 49408}


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    config = {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": {**TEXT, **VOCABULARY}}
    preprocess = {"mean": [0.5] * 3, "std": [0.25] * 3}
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": preprocess})
    )
    save_file(tiny_clip(text=VOCABULARY).state_dict(), folder / "open_clip_model.safetensors")
    return load_clip(f"local-dir:{folder}")


def patch_for(clip, layer="visual.proj"):
    weight = dict(clip.model.named_parameters())[layer]
    return Patch.create(clip.model, layer, torch.ones_like(weight).detach(), 0.1, ABOUT)


@torch.no_grad()
def output(model):
    return model.encode_image(pictures(2))


def test_open_clip_loads_the_folder_and_the_state_dict(base, tmp_path):
    patch, out = patch_for(base), tmp_path / "out"
    with patch.applied(base.model):
        expected = output(base.model)
    apply_to_folder(patch, base, out)
    model = open_clip.create_model(f"local-dir:{out}").eval()
    assert torch.equal(output(model), expected)
    assert not torch.equal(output(base.model), expected)
    plain = tiny_clip(seed=5, text=VOCABULARY)
    open_clip.load_checkpoint(plain, str(out / "open_clip_model.safetensors"))
    assert torch.equal(output(plain), expected)


def test_revert_restores_every_byte(base, tmp_path):
    apply_to_folder(patch_for(base), base, tmp_path / "out")
    revert_folder(tmp_path / "out", tmp_path / "back")
    restored = load_clip(f"local-dir:{tmp_path / 'back'}").model.state_dict()
    assert all(torch.equal(restored[n], t) for n, t in base.model.state_dict().items())
    with pytest.raises(DataNotFoundError, match="carries no patch"):
        revert_folder(tmp_path / "back", tmp_path / "again")


def test_two_patches_are_reverted_one_by_one(base, tmp_path):
    apply_to_folder(patch_for(base), base, tmp_path / "one")
    once = load_clip(f"local-dir:{tmp_path / 'one'}")
    apply_to_folder(patch_for(once, "text_projection"), once, tmp_path / "two")
    revert_folder(tmp_path / "two", tmp_path / "back_to_one")
    one = load_clip(f"local-dir:{tmp_path / 'back_to_one'}").model.state_dict()
    assert all(torch.equal(one[n], t) for n, t in once.model.state_dict().items())
    revert_folder(tmp_path / "back_to_one", tmp_path / "base_again")
    zero = load_clip(f"local-dir:{tmp_path / 'base_again'}").model.state_dict()
    assert all(torch.equal(zero[n], t) for n, t in base.model.state_dict().items())


def test_what_was_forced_is_remembered_and_reverted_too(base, tmp_path):
    patch = patch_for(base)
    with torch.no_grad():
        base.model.visual.proj.add_(1)
    apply_to_folder(patch, base, tmp_path / "out", force=True)
    with safe_open(tmp_path / "out" / "slug_undo" / "000.safetensors", framework="pt") as file:
        assert "is not the one the patch was made on" in json.loads(file.metadata()["forced"])[0]
    revert_folder(tmp_path / "out", tmp_path / "back")
    back = load_clip(f"local-dir:{tmp_path / 'back'}").model
    assert torch.equal(back.visual.proj, base.model.visual.proj)


def test_existing_folder_is_not_overwritten(base, tmp_path):
    with pytest.raises(SettingError, match="exists already"):
        apply_to_folder(patch_for(base), base, tmp_path)


def test_refused_patch_leaves_no_folder(base, tmp_path):
    patch = patch_for(base)
    with torch.no_grad():
        base.model.visual.proj[0, 0] += 1
    with pytest.raises(PatchMismatchError):
        apply_to_folder(patch, base, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tampered_original_is_refused(base, tmp_path):
    apply_to_folder(patch_for(base), base, tmp_path / "out")
    kept = tmp_path / "out" / "slug_undo" / "000.safetensors"
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(bytes(data))
    with pytest.raises(PatchMismatchError, match="was changed"):
        revert_folder(tmp_path / "out", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_folder_with_merges_of_its_own_is_tokenised_by_them_from_within(tmp_path, monkeypatch):
    clip = load_clip("miniature")
    apply_to_folder(patch_for(clip), clip, tmp_path / "out")
    expected = clip.tokenize(["a chalk drawing of a seven"])
    assert torch.equal(
        load_clip(f"local-dir:{tmp_path / 'out'}").tokenize(["a chalk drawing of a seven"]), expected
    )
    with pytest.raises(FileNotFoundError):  # not another vocabulary without a word
        open_clip.get_tokenizer(f"local-dir:{tmp_path / 'out'}")
    monkeypatch.chdir(tmp_path / "out")
    assert torch.equal(open_clip.get_tokenizer("local-dir:.")(["a chalk drawing of a seven"]), expected)


@pytest.mark.parametrize("name", ["ViT-B-16-SigLIP", "coca_ViT-B-32", "EVA02-B-16"])
def test_other_architectures_go_to_a_folder_and_back_with_their_tokenizer(tmp_path, name):
    (tmp_path / "base").mkdir()
    with small_timm():
        clip = load_clip(f"local-dir:{write_folder(tmp_path / 'base', name)}")
        layer = [n for n in candidate_layers(clip.model) if tower_of(n) == "text"][-1]
        apply_to_folder(patch_for(clip, layer), clip, tmp_path / "out")
        patched = load_clip(f"local-dir:{tmp_path / 'out'}")
        revert_folder(tmp_path / "out", tmp_path / "back")
        back = load_clip(f"local-dir:{tmp_path / 'back'}")
    tokens = clip.tokenize(["seven", "two"])
    for other in (patched, back):
        assert torch.equal(other.tokenize(["seven", "two"]), tokens)
    with torch.no_grad():
        original, edited, restored = (c.model.encode_text(tokens) for c in (clip, patched, back))
    assert not torch.equal(edited, original)
    assert torch.equal(restored, original)
