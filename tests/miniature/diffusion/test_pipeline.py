import pytest
import torch

from slug_lightning.errors import DataNotFoundError
from slug_lightning.hosts import live_sites
from slug_lightning.miniature.diffusion.pipeline import WEIGHTS, miniature_stable_diffusion
from slug_lightning.models import load_clip


@pytest.fixture(scope="module")
def pipeline():
    return miniature_stable_diffusion()


def test_its_text_encoder_is_the_miniature_clips_text_tower(pipeline):
    tokens = pipeline.tokenizer("a chalk drawing of a seven", return_tensors="pt").input_ids
    with torch.inference_mode():
        pooled = pipeline.text_encoder(input_ids=tokens).pooler_output
        clip = load_clip("miniature")
        expected = clip.model.encode_text(clip.tokenize(["a chalk drawing of a seven"]))
        torch.testing.assert_close(pooled @ clip.model.text_projection, expected, atol=1e-5, rtol=1e-5)


def test_it_is_a_host_of_text_patches(pipeline):
    (site,) = live_sites(pipeline)
    assert site.tower == "text"


def test_prompts_make_float32_images_of_32_pixels(pipeline):
    images = pipeline(["a neon sign of a two"], num_inference_steps=2, output_type="np").images
    assert images.shape == (1, 32, 32, 3)
    assert {p.dtype for part in (pipeline.unet, pipeline.vae) for p in part.parameters()} == {torch.float32}


def test_a_saved_pipeline_is_the_same_pipeline(pipeline, tmp_path):
    from diffusers import StableDiffusionPipeline

    pipeline.save_pretrained(tmp_path)
    again = StableDiffusionPipeline.from_pretrained(tmp_path, safety_checker=None)
    again.set_progress_bar_config(disable=True)

    def image(of):
        generator = torch.Generator().manual_seed(0)
        return of("a mosaic of a four", num_inference_steps=3, output_type="pt", generator=generator).images

    assert torch.equal(image(again), image(pipeline))


def test_missing_networks_are_named(tmp_path):
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "config.json").write_text("{}")
    with pytest.raises(DataNotFoundError, match=r"but unet is not there; train them with"):
        miniature_stable_diffusion(tmp_path)


def test_the_weights_take_at_most_6_mb():
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) <= 6_000_000
