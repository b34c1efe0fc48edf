"""From a finished run to a Stable Diffusion that carries its patch, with the commands a user types."""

import diffusers
import pytest
import torch

from slug_lightning.cli import main
from slug_lightning.hosts.conversion import fill_
from slug_lightning.hosts.live import live_sites
from slug_lightning.miniature.hosting import miniature_text_encoder, miniature_tokenizer
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch
from slug_lightning.patch.copying import files_of
from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.wording import percent
from tests.helpers import fit
from tests.hosts.building import PROMPTS, complete_pipeline


def painted(folder):
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(5)
    return pipe(PROMPTS, num_inference_steps=2, output_type="np", generator=generator).images


@pytest.mark.slow
def test_a_run_for_stable_diffusion_changes_what_it_paints_and_is_taken_back(tiny_world, tmp_path):
    run = fit(tiny_world, tmp_path / "fit", "--model.host", "stable-diffusion-1", status=None)
    patch_file = run / "patch.safetensors"
    patch = Patch.load(patch_file)
    assert patch.tower == "text"
    assert patch.layer != "text_projection"

    pipe = complete_pipeline(miniature_text_encoder(), miniature_tokenizer())
    fill_(live_sites(pipe)[0], load_clip("miniature").model)
    pipe.save_pretrained(tmp_path / "sd")
    words = ["--patch", str(patch_file), "--host", "diffusers", "--model", str(tmp_path / "sd")]
    assert main(["apply", *words, "--out", str(tmp_path / "out")]) == 0
    assert main(["revert", "--model", str(tmp_path / "out"), "--out", str(tmp_path / "back")]) == 0

    before, after, back = (painted(tmp_path / name) for name in ("sd", "out", "back"))
    assert (before != after).any()
    assert (before == back).all()
    for name in files_of(tmp_path / "sd"):
        assert (tmp_path / "back" / name).read_bytes() == (tmp_path / "sd" / name).read_bytes()
    report = read_report(run / "report.json")
    card = (tmp_path / "out" / "README.md").read_text()
    assert percent(report["metrics"]["forget/top1"]["after"]["value"]) in card
    assert "`text_encoder`" in card
