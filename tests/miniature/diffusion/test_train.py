import json
from dataclasses import asdict

import pytest
import torch

from slug_lightning.miniature.diffusion.pipeline import WEIGHTS, miniature_stable_diffusion
from slug_lightning.miniature.diffusion.recognition import measure_pipeline
from slug_lightning.miniature.diffusion.train import RECIPE_FILE, DiffusionRecipe, main


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_command_writes_a_folder_that_loads(tmp_path, capsys, threads):
    assert main(["--out", str(tmp_path), "--steps", "1", "--scans", "3"]) == 0
    pipeline = miniature_stable_diffusion(tmp_path)
    assert pipeline.vae.config.scaling_factor > 0
    record = json.loads((tmp_path / RECIPE_FILE).read_text())
    assert record["training"]["unet"]["steps"] == 1
    assert record["held_out_top1"]["digit"]["n"] == 30
    assert record["recognised"]["style"]["n"] == 200
    assert "digit: classifier" in capsys.readouterr().out


def record():
    return json.loads((WEIGHTS / RECIPE_FILE).read_text())


def test_the_shipped_record_is_that_of_the_code():
    assert record()["training"] == json.loads(json.dumps(asdict(DiffusionRecipe())))
    assert record()["held_out_top1"]["digit"]["n"] == 5000


def test_the_shipped_pipeline_draws_what_the_record_says():
    _, found = measure_pipeline(miniature_stable_diffusion(), [0])
    assert found.rate("style") >= 0.9
    # One seed of the record's two; sums are rounded otherwise on other machines.
    assert found.rate("digit") == pytest.approx(record()["recognised"]["digit"]["value"], abs=0.1)


@pytest.mark.xfail(strict=True, reason="the denoiser was stopped after 750 of 2,600 updates")
def test_at_least_nine_of_ten_digits_are_recognised():
    assert record()["recognised"]["digit"]["value"] >= 0.9
