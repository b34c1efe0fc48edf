"""Hosts on disk: patched without being loaded, and every byte back after revert."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from slug_lightning.errors import (
    BadDataError,
    DataNotFoundError,
    PatchMismatchError,
    SettingError,
    UnreadLayerError,
)
from slug_lightning.hosts.files import read_host
from slug_lightning.patch.copying import copy_folder, files_of
from slug_lightning.patch.host_folder import apply_to_host, revert_host
from tests.hosts.building import answer, conditioning, filled_llava, filled_pipeline
from tests.patch.test_patch_on_hosts import patch_for

QKV = "visual.transformer.resblocks.20.attn.in_proj_weight"
MLP = "visual.transformer.resblocks.19.mlp.c_fc.weight"
TEXT = "transformer.resblocks.8.attn.in_proj_weight"


def contents(folder):
    return {name: (folder / name).read_bytes() for name in files_of(folder)}


def load_llava(folder):
    import transformers

    return transformers.LlavaForConditionalGeneration.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def llava_host(tmp_path_factory):
    """A sharded LLaVA on disk, q, k and v of one block in several shards, and the CLIP it was built on."""
    folder = tmp_path_factory.mktemp("hosts") / "llava"
    model, base = filled_llava()
    model.save_pretrained(folder, max_shard_size="25KB")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A LLaVA\n")
    return folder, base, model


@pytest.fixture(scope="module")
def xl_host(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hosts") / "xl"
    pipe, bases = filled_pipeline("StableDiffusionXLPipeline")
    pipe.save_pretrained(folder)
    return folder, bases, pipe


def test_the_saved_host_equals_the_one_patched_in_memory(llava_host, tmp_path):
    folder, base, model = llava_host
    before, patch = contents(folder), patch_for(base, QKV, 0.5)
    applied = apply_to_host(patch, folder, tmp_path / "out")
    assert contents(folder) == before
    assert len(applied.files) >= 2  # q, k and v are in different shards
    with torch.no_grad(), patch.applied(model):
        expected = answer(model)
    patched = load_llava(tmp_path / "out")
    assert torch.equal(answer(patched), expected)
    assert not torch.equal(answer(patched), answer(model))


def test_only_the_edited_tensors_differ(llava_host, tmp_path):
    folder, base, _ = llava_host
    apply_to_host(patch_for(base, QKV), folder, tmp_path / "out")
    changed = {
        name
        for file in folder.glob("*.safetensors")
        for name, tensor in load_file(file).items()
        if not torch.equal(tensor, load_file(tmp_path / "out" / file.name)[name])
    }
    assert changed == {f"vision_tower.encoder.layers.20.self_attn.{p}_proj.weight" for p in "qkv"}


def test_revert_gives_every_file_its_bytes_back(llava_host, tmp_path):
    folder, base, model = llava_host
    apply_to_host(patch_for(base, QKV), folder, tmp_path / "out", card=lambda applied, own: f"patched\n{own}")
    assert (tmp_path / "out" / "README.md").read_text().startswith("patched\n---\nlicense: mit")
    patched = contents(tmp_path / "out")
    revert_host(tmp_path / "out", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(folder)
    assert contents(tmp_path / "out") == patched
    assert torch.equal(answer(load_llava(tmp_path / "back")), answer(model))
    with pytest.raises(DataNotFoundError, match="carries no patch"):
        revert_host(tmp_path / "back", tmp_path / "again")


def test_two_patches_are_reverted_one_by_one(llava_host, tmp_path):
    folder, base, _ = llava_host
    apply_to_host(patch_for(base, QKV), folder, tmp_path / "one")
    with pytest.raises(PatchMismatchError, match="already applied"):
        apply_to_host(patch_for(base, QKV), tmp_path / "one", tmp_path / "twice")
    applied = apply_to_host(
        patch_for(base, MLP), tmp_path / "one", tmp_path / "two"
    )  # made on the host before
    assert applied.forced == ()
    revert_host(tmp_path / "two", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tmp_path / "one")
    revert_host(tmp_path / "back", tmp_path / "base")
    assert contents(tmp_path / "base") == contents(folder)


def test_links_share_all_but_what_was_rewritten(llava_host, tmp_path):
    folder, base, _ = llava_host
    before = contents(folder)
    applied = apply_to_host(patch_for(base, QKV), folder, tmp_path / "out", card=lambda *_: "new", link=True)
    for name in files_of(folder):
        shared = (folder / name).samefile(tmp_path / "out" / name)
        assert shared == (name not in (*applied.files, "README.md")), name
    revert_host(tmp_path / "out", tmp_path / "back", link=True)
    assert contents(tmp_path / "back") == before == contents(folder)


@pytest.mark.parametrize("component", ["text_encoder", "text_encoder_2"])
def test_a_pipeline_is_patched_in_the_encoder_the_patch_is_for(xl_host, component, tmp_path):
    import diffusers

    folder, bases, pipe = xl_host
    patch = patch_for(bases[component], TEXT)
    applied = apply_to_host(patch, folder, tmp_path / "out")
    assert (applied.component, applied.files) == (component, (f"{component}/model.safetensors",))
    loaded = diffusers.StableDiffusionXLPipeline.from_pretrained(
        tmp_path / "out", vae=None, unet=None, scheduler=None
    )
    with patch.applied(pipe):
        assert torch.equal(conditioning(loaded), conditioning(pipe))
    assert not torch.equal(conditioning(loaded), conditioning(pipe))
    revert_host(tmp_path / "out", tmp_path / "back")
    assert contents(tmp_path / "back") == contents(folder)


def test_both_encoders_are_patched_one_after_the_other(xl_host, tmp_path):
    folder, bases, _ = xl_host
    apply_to_host(patch_for(bases["text_encoder"], TEXT), folder, tmp_path / "one")
    applied = apply_to_host(
        patch_for(bases["text_encoder_2"], "text_projection"), tmp_path / "one", tmp_path / "two"
    )
    assert (applied.component, applied.forced) == ("text_encoder_2", ())
    revert_host(tmp_path / "two", tmp_path / "one_again")
    revert_host(tmp_path / "one_again", tmp_path / "base")
    assert contents(tmp_path / "one_again") == contents(tmp_path / "one")
    assert contents(tmp_path / "base") == contents(folder)


def test_every_variant_is_patched_and_no_weights_without_the_patch_remain(tmp_path):
    folder = tmp_path / "host"
    pipe, bases = filled_pipeline("StableDiffusionPipeline")
    pipe.save_pretrained(folder)
    pipe.text_encoder.half().save_pretrained(folder / "text_encoder", variant="fp16", max_shard_size="40KB")
    for name in ("v1-5-pruned.safetensors", "v1-5.ckpt", "text_encoder/pytorch_model.bin", "unet/model.bin"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"unpatched")
    patch = patch_for(bases["text_encoder"], TEXT)
    applied = apply_to_host(patch, folder, tmp_path / "out")
    assert applied.left_out == ("v1-5-pruned.safetensors", "v1-5.ckpt", "text_encoder/pytorch_model.bin")
    assert not any((tmp_path / "out" / name).exists() for name in applied.left_out)
    assert (tmp_path / "out" / "unet" / "model.bin").exists()
    before, after = read_host(folder).sites, read_host(tmp_path / "out").sites
    assert len(after) == 2
    for old, new in zip(before, after, strict=True):
        assert torch.equal(new.weight(TEXT), patch.edited(old.weight(TEXT))), new.source
    revert_host(tmp_path / "out", tmp_path / "back")
    back = contents(tmp_path / "back")
    assert back == {name: data for name, data in contents(folder).items() if name not in applied.left_out}


def test_exports_of_a_model_are_not_carried_over(llava_host, tmp_path):
    folder, base, _ = llava_host
    exported = tmp_path / "exported"
    copy_folder(folder, exported, set(), set(), link=True)
    (exported / "onnx").mkdir()
    (exported / "onnx" / "vision.onnx").write_bytes(b"unpatched")
    assert apply_to_host(patch_for(base, QKV), exported, tmp_path / "out").left_out == ("onnx/vision.onnx",)
    assert not (tmp_path / "out" / "onnx").exists()


def test_refusals_leave_no_folder(llava_host, xl_host, tmp_path):
    folder, base, _ = llava_host
    out = tmp_path / "out"
    with pytest.raises(UnreadLayerError, match="block 22"):
        apply_to_host(patch_for(base, "visual.proj"), folder, out, force=True)
    with pytest.raises(UnreadLayerError, match="edits the vision tower"):
        apply_to_host(patch_for(base, QKV), xl_host[0], out)
    with pytest.raises(DataNotFoundError, match="No host in"):
        apply_to_host(patch_for(base, QKV), tmp_path / "none", out)
    with pytest.raises(SettingError, match="--out outside of"):
        apply_to_host(patch_for(base, QKV), folder, folder / "inner")
    assert not out.exists()
    out.mkdir()
    with pytest.raises(SettingError, match="exists already"):
        apply_to_host(patch_for(base, QKV), folder, out)
    assert list(tmp_path.iterdir()) == [out]


def test_what_was_changed_since_is_not_reverted_to_something_else(llava_host, tmp_path):
    folder, base, _ = llava_host
    applied = apply_to_host(patch_for(base, QKV), folder, tmp_path / "out")
    file = tmp_path / "out" / applied.files[0]
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(PatchMismatchError, match="was changed after the patch"):
        revert_host(tmp_path / "out", tmp_path / "back")
    file.unlink()
    with pytest.raises(DataNotFoundError, match=f"lacks '{applied.files[0]}'"):
        revert_host(tmp_path / "out", tmp_path / "back")
    undo = tmp_path / "out" / "slug_undo" / "000.safetensors"
    undo.write_bytes(b"junk")
    with pytest.raises(BadDataError, match="is damaged"):
        revert_host(tmp_path / "out", tmp_path / "back")
    save_file({"original": torch.ones(1)}, undo)
    with pytest.raises(BadDataError, match="cannot be reverted"):
        revert_host(tmp_path / "out", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_names_that_lead_out_of_the_folder_are_refused(llava_host, tmp_path):
    folder, base, _ = llava_host
    apply_to_host(patch_for(base, QKV), folder, tmp_path / "out")
    victim = tmp_path / "victim.safetensors"
    save_file({"x": torch.ones(1)}, victim)
    header = {"files": '{"../victim.safetensors": ""}', "base": "b"}
    undo = tmp_path / "out" / "slug_undo" / "000.safetensors"
    save_file({"../victim.safetensors|x": torch.zeros(1)}, undo, metadata=header)
    with pytest.raises(DataNotFoundError, match="lacks '../victim"):
        revert_host(tmp_path / "out", tmp_path / "back")
    assert load_file(victim)["x"].item() == 1


# The kernel's high-water mark of this process alone; resource.getrusage would count the parent's peak too.
PEAK = """
import sys
from pathlib import Path
from slug_lightning.patch import Patch
from slug_lightning.patch.host_folder import apply_to_host, revert_host

def kilobytes(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])

folder, patch = Path(sys.argv[1]), Patch.load(sys.argv[2])
start = kilobytes("VmHWM")
apply_to_host(patch, folder, folder.parent / "out")
revert_host(folder.parent / "out", folder.parent / "back")
grown = kilobytes("VmHWM") - start
from safetensors.torch import load_file
whole = load_file(folder / "model.safetensors")
total = sum(float(tensor.sum()) for tensor in whole.values())  # pages count when they are touched
print(grown, kilobytes("VmHWM") - start)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_host(tmp_path):
    """400 MB of language model in the shard that is rewritten; the process may grow by an eighth of that."""
    folder = tmp_path / "host"
    model, base = filled_llava()
    model.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    tensors |= {f"language_model.model.layers.{i}.big": torch.full((2_500_000,), float(i)) for i in range(40)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    patch_for(base, QKV).save(tmp_path / "patch.safetensors")
    code = [sys.executable, "-c", PEAK, str(folder), str(tmp_path / "patch.safetensors")]
    said = subprocess.run(code, capture_output=True, text=True, check=True).stdout
    grown, loaded = (1024 * int(number) for number in said.split())
    size = (folder / "model.safetensors").stat().st_size
    assert size > 400e6
    assert loaded > 0.9 * size  # the same measure sees a host that is loaded
    assert grown < size / 8, f"{grown / 1e6:.0f} MB"
    assert contents(tmp_path / "back") == contents(folder)
