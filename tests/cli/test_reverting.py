import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from slug_lightning.cli import main
from slug_lightning.models import load_clip
from slug_lightning.patch import apply_to_folder
from tests.patch.test_folder import base, patch_for  # noqa: F401  a fixture


@pytest.fixture
def folder(base, tmp_path):  # noqa: F811
    first = apply_to_folder(patch_for(base), base, tmp_path / "m0")
    clip = load_clip(f"local-dir:{first}")
    return apply_to_folder(patch_for(clip, "text_projection"), clip, tmp_path / "m1")


def revert(folder, tmp_path):
    return ["revert", "--model", str(folder), "--out", str(tmp_path / "before")]


def test_the_ledger_is_shown(folder, capsys):
    assert main(["inspect", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("0  ")
    assert "visual.proj" in lines[0]
    assert "made without" in lines[1]


def test_a_given_deletion_is_taken_back_and_what_it_means_for_the_others_is_said(folder, tmp_path, capsys):
    assert main(["revert", "--model", str(folder), "--out", str(tmp_path / "less"), "--number", "0"]) == 0
    said = capsys.readouterr().out
    assert "the model without it" in said
    assert "measure them again" in said


def test_options_that_say_different_things_are_refused(folder, tmp_path, capsys):
    words = [
        "revert",
        "--model",
        str(folder),
        "--out",
        str(tmp_path / "x"),
        "--number",
        "0",
        "--concept",
        "a",
    ]
    assert main(words) == 2
    assert "--concept or --number" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path)]) == 2
    assert "carries no patch" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["inspect", "revert"])
def test_what_was_kept_and_is_damaged_is_one_sentence(folder, tmp_path, capsys, command):
    kept = folder / "slug_undo" / "000.safetensors"
    kept.write_bytes(kept.read_bytes()[:100])
    assert main(["inspect", str(folder)] if command == "inspect" else revert(folder, tmp_path)) == 2
    assert "000.safetensors' is damaged" in capsys.readouterr().err


def test_a_host_without_its_configuration_is_not_said_to_be_damaged(folder, tmp_path, capsys):
    kept = folder / "slug_undo" / "001.safetensors"
    with safe_open(kept, framework="pt") as file:
        tensors, header = {n: file.get_tensor(n) for n in file.keys()}, file.metadata()  # noqa: SIM118
    save_file(tensors, kept, {**header, "host": "CLIPModel"})
    assert main(revert(folder, tmp_path)) == 2
    assert "is of a CLIPModel, but the folder has no config.json" in capsys.readouterr().err


def test_a_folder_that_is_not_there_and_a_run_s_folder_are_named(tmp_path, capsys):
    assert main(revert(tmp_path / "nowhere", tmp_path)) == 2
    assert "There is no folder" in capsys.readouterr().err
    (tmp_path / "patch.safetensors").touch()
    assert main(["inspect", str(tmp_path)]) == 2
    assert "is a run's folder: name its patch" in capsys.readouterr().err
    assert main(["apply", "--patch", str(tmp_path), "--out", str(tmp_path / "x")]) == 2
    assert "is a run's folder: name the file in it" in capsys.readouterr().err


def test_composed_patches_are_those_applied_one_by_one(base, folder, tmp_path, capsys):  # noqa: F811
    first, clip = patch_for(base), load_clip(f"local-dir:{tmp_path / 'm0'}")
    second = patch_for(clip, "text_projection")
    files = [tmp_path / "first.safetensors", tmp_path / "second.safetensors"]
    for patch, file in zip((first, second), files, strict=True):
        patch.save(file)
    words = ["compose", "--patches", str([str(file) for file in files]), "--out", str(tmp_path / "sum")]
    assert main([*words, "--model", base.name.removeprefix("local-dir:")]) == 0
    assert "the model with all of them" in capsys.readouterr().out
    one, other = (load_clip(f"local-dir:{path}").model.state_dict() for path in (tmp_path / "sum", folder))
    assert all(torch.equal(one[name], other[name]) for name in other)
    assert main([*words[:2], f"['{files[0]}']", "--out", str(tmp_path / "one")]) == 2
    assert "two or more patches" in capsys.readouterr().err
