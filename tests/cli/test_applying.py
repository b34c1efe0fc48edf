"""`slug apply` and `slug revert` on hosts, as typed by a user."""

import json

import pytest
import torch

from slug_lightning.cli import main
from slug_lightning.hosts.conversion import to_transformers
from slug_lightning.hosts.files import read_host
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch
from slug_lightning.patch.copying import files_of
from tests.hosts.building import llava
from tests.patch.conftest import ABOUT

LAYER = "transformer.resblocks.2.attn.in_proj_weight"


@pytest.fixture(scope="module")
def clip():
    return load_clip("miniature")


@pytest.fixture(scope="module")
def patch_file(clip, tmp_path_factory):
    weight = dict(clip.model.named_parameters())[LAYER]
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    about = {**ABOUT, "concept": "seven", "base_model": "miniature"}
    path = tmp_path_factory.mktemp("patch") / "patch.safetensors"
    Patch.create(clip.model, LAYER, direction, 0.02, about).save(path)
    return path


@pytest.fixture(scope="module")
def host(clip, tmp_path_factory):
    """The miniature's text tower as a text encoder of transformers, in half precision."""
    folder = tmp_path_factory.mktemp("host") / "encoder"
    to_transformers(clip.model, "CLIPTextModelWithProjection").half().save_pretrained(folder)
    return folder


def contents(folder):
    return {name: (folder / name).read_bytes() for name in files_of(folder)}


def slug(*words):
    return main([str(word) for word in words])


def test_apply_then_revert_restores_the_hosts_bytes(patch_file, host, tmp_path, capsys):
    out, back = tmp_path / "out", tmp_path / "back"
    assert slug("apply", "--patch", patch_file, "--host", "transformers", "--model", host, "--out", out) == 0
    said = capsys.readouterr().out
    assert "CLIPTextModelWithProjection without 'seven'" in said
    assert "rewritten: model.safetensors" in said
    patch = Patch.load(patch_file)
    before, after = (read_host(folder).sites[0].weight(LAYER) for folder in (host, out))
    assert torch.equal(after, patch.edited(before))
    assert not torch.equal(after, before)
    card = (out / "README.md").read_text()
    assert "CLIPTextModelWithProjection.from_pretrained" in card
    assert str(host.parent) not in card  # paths of this machine are nobody's business
    assert slug("revert", "--model", out, "--out", back) == 0
    assert contents(back) == contents(host)


def test_the_folder_says_which_library_it_is_for(patch_file, host, tmp_path):
    assert slug("apply", "--patch", patch_file, "--model", host, "--out", tmp_path / "out", "--link") == 0
    assert (tmp_path / "out" / "config.json").samefile(host / "config.json")
    assert read_host(tmp_path / "out").name == "CLIPTextModelWithProjection"


@pytest.mark.parametrize("layer", [LAYER, "transformer.resblocks.1.mlp.c_proj.weight"])
def test_patches_of_the_same_weights_add_up_on_a_host(clip, patch_file, host, tmp_path, capsys, layer):
    """Those of one layer as those of two; each was made without knowing of the other."""
    weight = dict(clip.model.named_parameters())[layer]
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    other = Patch.create(
        clip.model, layer, direction, 0.02, {**ABOUT, "concept": "three", "base_model": "miniature"}
    )
    other.save(tmp_path / "other.safetensors")
    both = json.dumps([str(patch_file), str(tmp_path / "other.safetensors")])
    assert slug("compose", "--patches", both, "--model", host, "--out", tmp_path / "sum") == 0
    first = Patch.load(patch_file)
    expected = {LAYER: first.update.clone()}
    expected[layer] = expected.get(layer, 0) + other.update
    (before,), (after,) = read_host(host).sites, read_host(tmp_path / "sum").sites
    for name, update in expected.items():
        moved = after.weight(name).float() - before.weight(name).float()
        torch.testing.assert_close(moved, update, rtol=0, atol=2e-3)  # half precision
    kept = json.loads((tmp_path / "sum" / "slug_ledger.json").read_text())["deletions"]
    assert [entry["made_without"] for entry in kept] == [[], []]
    assert slug("revert", "--model", tmp_path / "sum", "--out", tmp_path / "one") == 0
    assert slug("apply", "--patch", patch_file, "--model", host, "--out", tmp_path / "alone") == 0
    assert (
        contents(tmp_path / "one")["model.safetensors"] == contents(tmp_path / "alone")["model.safetensors"]
    )
    again = ("apply", "--patch", patch_file, "--model", tmp_path / "sum", "--out", tmp_path / "twice")
    assert slug(*again) == 2
    assert not (tmp_path / "twice").exists()


def test_write_pretrained_gives_a_host_that_is_patched_and_reverted_alike(patch_file, host, tmp_path):
    out = tmp_path / "out"
    words = ["--patch", patch_file, "--model", host, "--write", "pretrained"]
    assert slug("apply", *words, "--out", out) == 0
    assert slug("apply", "--patch", patch_file, "--model", host, "--out", tmp_path / "files") == 0
    one, other = (read_host(folder).sites[0].weight(LAYER) for folder in (out, tmp_path / "files"))
    assert torch.equal(one, other)
    assert slug("revert", "--model", out, "--out", tmp_path / "back") == 0
    assert torch.equal(
        read_host(tmp_path / "back").sites[0].weight(LAYER), read_host(host).sites[0].weight(LAYER)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "files", "out"]


def test_force_without_a_value_is_taken_and_remembered(patch_file, host, tmp_path, capsys):
    other = tmp_path / "other"
    model = to_transformers(load_clip("miniature").model, "CLIPTextModelWithProjection")
    with torch.no_grad():
        model.text_model.final_layer_norm.bias.add_(1)
    model.save_pretrained(other)
    words = ["apply", "--patch", patch_file, "--model", other, "--out", tmp_path / "out"]
    assert slug(*words) == 2
    assert "other weights of the text tower differ" in capsys.readouterr().err
    assert slug(*words, "--force") == 0
    assert "forced: Layer" in capsys.readouterr().out
    assert "**Applied with `--force`" in (tmp_path / "out" / "README.md").read_text()
    from safetensors import safe_open

    with safe_open(tmp_path / "out" / "slug_undo" / "000.safetensors", framework="pt") as file:
        assert "differ from 'miniature'" in json.loads(file.metadata()["forced"])[0]


def test_a_text_patch_on_llava_is_refused_with_the_reason(patch_file, tmp_path, capsys):
    llava().save_pretrained(tmp_path / "llava")
    words = ["apply", "--patch", patch_file, "--host", "llava", "--model", tmp_path / "llava"]
    assert slug(*words, "--out", tmp_path / "out") == 2
    assert "edits the text tower" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--host", "diffusers"], "Expected --model with --host diffusers"),
        (["--host", "llava", "--model", "HOST"], "is one of transformers: --host transformers"),
        (["--host", "transformers", "--model", "ada/nothing"], "neither a folder nor a model"),
        (["--model", "HOST", "--pretrained", "openai"], "--pretrained is for open_clip"),
        (["--variant", "fp16"], "--variant is for hosts of transformers and diffusers"),
        (["--write", "pretrained"], "--write is for hosts of transformers and diffusers"),
    ],
)
def test_options_that_do_not_go_together_are_one_sentence(
    patch_file, host, words, sentence, tmp_path, capsys
):
    words = [host if word == "HOST" else word for word in words]
    assert slug("apply", "--patch", patch_file, "--out", tmp_path / "out", *words) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_weights_of_one_s_own_are_used_without_a_model_named(patch_file, tmp_path, capsys):
    words = ("apply", "--patch", patch_file, "--out", tmp_path / "out")
    assert slug(*words, "--pretrained", tmp_path / "nowhere.pt") == 2
    assert "nowhere.pt" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "said"), [("org/sd", "--host diffusers"), ("./nodir", "no folder './nodir'")]
)
def test_a_name_with_a_slash_that_is_no_folder_is_told_how_to_be_said(
    patch_file, tmp_path, capsys, name, said
):
    assert slug("apply", "--patch", patch_file, "--out", tmp_path / "out", "--model", name) == 2
    assert said in capsys.readouterr().err


def test_push_to_hub_uploads_what_was_written(patch_file, host, tmp_path, capsys, monkeypatch):
    import huggingface_hub

    from tests.patch.test_hub import StubApi

    StubApi.calls = []
    monkeypatch.setattr(huggingface_hub, "HfApi", StubApi)
    words = ["--patch", patch_file, "--model", host, "--out", tmp_path / "out", "--push-to-hub", "ada/model"]
    assert slug("apply", *words, "--private") == 0
    assert "https://example.org/ada/model" in capsys.readouterr().out
    assert StubApi.calls[0][2]["private"] is True
    assert StubApi.calls[1][1]["folder_path"] == tmp_path / "out"


def test_the_open_clip_folder_says_what_was_forced(patch_file, tmp_path):
    from slug_lightning.patch.folder import apply_to_folder

    clip = load_clip("miniature")
    with torch.no_grad():
        clip.model.ln_final.bias.add_(1)
    apply_to_folder(Patch.load(patch_file), clip, tmp_path / "out", force=True)
    assert "**Applied with `--force`" in (tmp_path / "out" / "README.md").read_text()
