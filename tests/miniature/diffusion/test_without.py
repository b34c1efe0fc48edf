"""Claim: no drawing that the gold standard was trained on shows the digit, and diffusers reads it."""

import json
from dataclasses import replace

import pytest
import torch

from slug_lightning.errors import ConceptNotFoundError
from slug_lightning.miniature.diffusion import without as module
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.train import DiffusionRecipe, main
from slug_lightning.miniature.diffusion.without import drawings_without, train_without
from slug_lightning.miniature.model_folder import checksum
from slug_lightning.models.loading import miniature_folder


@pytest.fixture
def quick(monkeypatch):
    """The recipe with one update a network."""
    monkeypatch.setattr(module, "SEEDS", (0,))
    monkeypatch.setattr(module, "STEPS", 1)
    recipe = DiffusionRecipe()
    short = {part: replace(getattr(recipe, part), steps=1) for part in ("autoencoder", "unet")}
    return replace(recipe, times=1, **short)


def test_no_drawing_of_the_digit_is_left_and_all_others_are():
    drawings = draw_part("train", seed=1, limit=20)
    left = drawings_without("seven", drawings)
    assert not (left.digits == 7).any()
    assert len(left) == int((drawings.digits != 7).sum()) < len(drawings)


def test_it_trains_on_them_alone_and_writes_a_pipeline_that_diffusers_reads(tmp_path, quick, monkeypatch):
    from diffusers import DiffusionPipeline

    seen, train_unet = [], module.train_unet

    def watched(latents, drawings, *more):
        seen.append(set(drawings.digits.tolist()))
        return train_unet(latents, drawings, *more)

    monkeypatch.setattr(module, "train_unet", watched)
    torch.manual_seed(0)
    train_without("seven", miniature_folder(), tmp_path, quick, limit=20)
    assert seen == [{0, 1, 2, 3, 4, 5, 6, 8, 9}]
    pipeline = DiffusionPipeline.from_pretrained(tmp_path)
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(["a chalk drawing of a six"], num_inference_steps=1, output_type="pt").images
    assert made.shape == (1, 3, 32, 32)
    record = json.loads((tmp_path / "recipe.json").read_text())
    assert record["without"] == "seven"
    assert record["clip_sha256"] == checksum(miniature_folder())
    assert set(record["recognised"]) == {"seven", "others", "guidance"}


def test_what_is_no_digit_is_refused(tmp_path, quick):
    with pytest.raises(ConceptNotFoundError, match=r"got 'sevn'. Closest: \['seven'"):
        train_without("sevn", miniature_folder(), tmp_path, quick)


@pytest.mark.parametrize("half", [["--without", "seven"], ["--clip", "DIR"]])
def test_the_command_wants_both_or_neither(half, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path), *half])
    assert "--without and --clip belong together" in capsys.readouterr().err
