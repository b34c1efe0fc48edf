import json
import shutil

import pytest
import torch

from slug_lightning.audit.opening import folder_digest, gold_digest, models_of, open_run
from slug_lightning.errors import DataNotFoundError, ModelNotFoundError, PatchMismatchError, SettingError
from slug_lightning.models import load_clip
from slug_lightning.models.layers import get_layer
from slug_lightning.models.loading import miniature_folder


@pytest.fixture
def run(tiny_run, tmp_path):
    for name in ("report.json", "patch.safetensors", "config.yaml"):
        shutil.copy(tiny_run / name, tmp_path / name)
    return tmp_path


def test_the_patched_version_has_the_patch_and_the_original_does_not(run):
    opened, clip = open_run(run), load_clip("miniature")
    models = models_of(opened, clip.model, miniature_folder())
    assert list(models) == ["before", "after", "gold"]
    layer = opened.patch.layer
    update = get_layer(models["after"], layer) - get_layer(models["before"], layer)
    torch.testing.assert_close(update.detach(), opened.patch.update)
    others = dict(models["before"].named_parameters())
    for name, weight in models["after"].named_parameters():
        assert name == layer or torch.equal(weight, others[name])


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"No file 'report.json' in .*slug fit"):
        open_run(tmp_path)


def test_a_run_without_its_configuration_is_refused(run):
    (run / "config.yaml").unlink()
    with pytest.raises(DataNotFoundError, match=r"No file 'config.yaml' in .*where the data of the run are"):
        open_run(run)


def test_a_run_without_a_patch_is_refused(run):
    report = json.loads((run / "report.json").read_text())
    report |= {"feasible": False, "layer": None, "tower": None, "step": None}
    (run / "report.json").write_text(json.dumps(report))
    with pytest.raises(SettingError, match="Expected a run with a patch, but .* found no feasible point"):
        open_run(run)


def test_another_base_is_refused(run):
    clip = load_clip("miniature")
    with torch.no_grad():
        get_layer(clip.model, open_run(run).patch.layer).add_(1)
    with pytest.raises(PatchMismatchError):
        models_of(open_run(run), clip.model, None)


def test_a_gold_standard_that_is_not_there_is_refused(tmp_path):
    assert gold_digest(None) is None
    with pytest.raises(ModelNotFoundError, match=r"Expected an open_clip model folder as --gold"):
        gold_digest(tmp_path)


def test_a_gold_standard_of_another_shape_is_refused(run):
    from tests.helpers import tiny_clip

    opened = open_run(run)
    with pytest.raises(PatchMismatchError, match="Expected a gold standard of the original's architecture"):
        from slug_lightning.audit.opening import _check_shapes

        _check_shapes(load_clip("miniature").model, tiny_clip(), opened.folder)


def test_the_digest_of_a_folder_is_of_names_and_contents_at_any_depth(tmp_path):
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "weights").write_text("a")
    first = folder_digest(tmp_path)
    assert folder_digest(tmp_path) == first
    (tmp_path / "unet" / "weights").write_text("b")
    second = folder_digest(tmp_path)
    (tmp_path / "unet" / "weights").rename(tmp_path / "unet" / "other")
    assert len({first, second, folder_digest(tmp_path)}) == 3
