import pytest
import torch

from slug_lightning.canvas.pipelines import describe, load_pipeline
from slug_lightning.errors import DataNotFoundError, SettingError


def test_what_decides_the_images_is_described(tmp_path):
    pipeline = load_pipeline("miniature", "cpu")
    assert pipeline.safety_checker is None
    before = describe(pipeline, None)
    assert before == describe(pipeline, None)
    assert before["sampler"] == "DDIMScheduler"
    assert (before["precision"], before["device"], before["patch"]) == ("float32", "cpu", None)
    patch = tmp_path / "patch.safetensors"
    patch.write_bytes(b"x")
    assert describe(pipeline, patch)["patch"] is not None
    with torch.no_grad():
        next(pipeline.text_encoder.parameters()).add_(1)
    after = describe(pipeline, None)
    assert [key for key in before if before[key] != after[key]] == ["text_encoder"]


@pytest.mark.slow
def test_a_saved_pipeline_is_the_same_model(tmp_path):
    pipeline = load_pipeline("miniature", "cpu")
    pipeline.save_pretrained(tmp_path / "saved")
    saved = load_pipeline(str(tmp_path / "saved"), "cpu")
    assert describe(saved, None) == describe(pipeline, None)
    assert load_pipeline(str(tmp_path / "saved"), "cpu", "float16").unet.dtype == torch.float16


def test_what_is_no_pipeline_is_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match="miniature or a folder of diffusers with model_index.json"):
        load_pipeline(str(tmp_path), "cpu")
    (tmp_path / "model_index.json").write_text(
        '{"_class_name": "StableDiffusionPipeline", "unet": ["x", "y"]}'
    )
    with pytest.raises(SettingError, match="a Stable Diffusion in"):
        load_pipeline(str(tmp_path), "cpu")
