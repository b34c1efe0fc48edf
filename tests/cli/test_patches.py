import open_clip
import pytest
import torch

from slug_lightning.cli import main
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch


@pytest.fixture(scope="module")
def patch_file(tiny_run):
    return tiny_run / "patch.safetensors"


def test_apply_then_revert_with_open_clip_as_the_judge(patch_file, tmp_path, capsys):
    out, back = tmp_path / "out", tmp_path / "back"
    assert main(["apply", "--patch", str(patch_file), "--out", str(out)]) == 0
    assert "seven" in capsys.readouterr().out
    patch, base = Patch.load(patch_file), load_clip("miniature").model
    model = open_clip.create_model(f"local-dir:{out}")
    layer = dict(model.named_parameters())[patch.layer]
    assert torch.equal(layer, dict(base.named_parameters())[patch.layer] + patch.update)
    assert main(["revert", "--model", str(out), "--out", str(back)]) == 0
    restored = load_clip(f"local-dir:{back}")
    assert all(torch.equal(t, base.state_dict()[n]) for n, t in restored.model.state_dict().items())
    assert torch.equal(restored.tokenize(["seven."]), load_clip("miniature").tokenize(["seven."]))


def test_apply_to_an_already_patched_folder_is_refused(patch_file, tmp_path, capsys):
    main(["apply", "--patch", str(patch_file), "--out", str(tmp_path / "out")])
    again = ["apply", "--patch", str(patch_file), "--out", str(tmp_path / "two")]
    assert main([*again, "--model", str(tmp_path / "out")]) == 2
    assert "already applied" in capsys.readouterr().err
    assert not (tmp_path / "two").exists()


def test_inspect_shows_the_header(patch_file, capsys):
    assert main(["inspect", str(patch_file)]) == 0
    shown = capsys.readouterr().out
    for part in ("concept", "seven", "base_fingerprint", "step", "shape"):
        assert part in shown


def test_a_place_that_cannot_be_written_to_is_one_sentence(patch_file, tmp_path, capsys):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "model"
    assert main(["apply", "--patch", str(patch_file), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert "Could not read or write" in said
    assert "choose another folder" in said


def test_missing_and_foreign_files_are_one_sentence(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "none")]) == 2
    assert "slug fit" in capsys.readouterr().err
    (tmp_path / "junk").write_bytes(b"junk")
    assert main(["inspect", str(tmp_path / "junk")]) == 2
    assert "not a patch" in capsys.readouterr().err
