import json

import pytest
import torch
from safetensors.torch import save_file

from slug_lightning.errors import ModelNotFoundError, NonFiniteError
from slug_lightning.models import load_clip
from tests.helpers import TEXT, VISION, tiny_clip


@pytest.fixture
def folder(tmp_path):
    config = {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": {**TEXT, "vocab_size": 49408}}
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}})
    )
    model = tiny_clip(text={"vocab_size": 49408})
    save_file(model.state_dict(), tmp_path / "open_clip_model.safetensors")
    return tmp_path


def test_folder_is_loaded_with_its_preprocessing(folder):
    clip = load_clip(f"local-dir:{folder}")
    assert torch.equal(clip.model.visual.proj, tiny_clip(text={"vocab_size": 49408}).visual.proj)
    assert not clip.model.training
    assert clip.tokenize(["seven"]).shape == (1, 12)


def test_broken_weights_are_refused_by_name(folder):
    weights = tiny_clip(text={"vocab_size": 49408}).state_dict()
    weights["visual.proj"][0, 0] = float("nan")
    save_file(weights, folder / "open_clip_model.safetensors")
    with pytest.raises(NonFiniteError, match="first 'visual.proj'"):
        load_clip(f"local-dir:{folder}")


def test_truncated_weights_are_refused(folder):
    path = folder / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelNotFoundError, match="Could not load model"):
        load_clip(f"local-dir:{folder}")


def test_unknown_names_are_refused_with_near_misses():
    with pytest.raises(ModelNotFoundError, match="'ViT-B-32'"):
        load_clip("ViT-B-23", "laion400m_e32")
    with pytest.raises(ModelNotFoundError, match="laion400m_e32"):
        load_clip("ViT-B-32-quickgelu", "laion400m_e23")
    with pytest.raises(ModelNotFoundError, match="needs weights"):
        load_clip("ViT-B-32")
    with pytest.raises(ModelNotFoundError, match="No open_clip model in"):
        load_clip("local-dir:nowhere")
