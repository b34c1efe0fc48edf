import json
import sys

import open_clip
import pytest
import torch
from open_clip.transformer import QuickGELU
from safetensors.torch import save_file

from slug_lightning.errors import ModelNotFoundError, NonFiniteError
from slug_lightning.models import load_clip
from slug_lightning.models.loading import with_activation
from tests.architectures import small_config, small_timm, write_folder
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


def test_a_folder_without_weights_is_refused_and_not_a_model_of_random_numbers(folder):
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match="could not be loaded. Check the folder: .*safetensors"):
        load_clip(f"local-dir:{folder}")


def test_weights_that_do_not_fit_are_refused_by_name(folder):
    weights = tiny_clip(text={"vocab_size": 49408}).state_dict()
    weights.pop("visual.proj")
    save_file(weights, folder / "open_clip_model.safetensors")
    with pytest.raises(
        ModelNotFoundError, match=r'Missing key\(s\) in state_dict: "visual.proj"\. Check the'
    ):
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


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    """open_clip with small ViT-B-32s, whose download is a file of random weights; what was asked for."""
    asked = []
    for name in ("ViT-B-32", "ViT-B-32-quickgelu"):
        config = small_config(name)
        config["text_cfg"] |= {"vocab_size": 49408}
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, config)
    save_file(open_clip.CLIP(**config).state_dict(), tmp_path / "open_clip_model.safetensors")

    def download(pretrained, **_):
        asked.append(pretrained)
        return str(tmp_path / "open_clip_model.safetensors")

    monkeypatch.setattr(open_clip.factory, "download_pretrained", download)
    return asked


def activations(clip):
    blocks = [*clip.model.visual.transformer.resblocks, *clip.model.transformer.resblocks]
    return {type(block.mlp.gelu) for block in blocks}


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-32-quickgelu"])
@pytest.mark.parametrize("tag", ["openai", "laion400m_e32", "metaclip_fullcc"])
def test_weights_trained_with_quickgelu_get_it_whatever_the_name(downloads, name, tag):
    clip = load_clip(name, tag)
    assert activations(clip) == {QuickGELU}
    assert clip.name == f"ViT-B-32-quickgelu/{tag}"
    assert downloads == [open_clip.get_pretrained_cfg("ViT-B-32", tag)]


def test_weights_trained_with_gelu_keep_it(downloads):
    clip = load_clip("ViT-B-32", "laion2b_s34b_b79k")
    assert activations(clip) == {torch.nn.GELU}
    assert clip.name == "ViT-B-32/laion2b_s34b_b79k"
    with pytest.raises(
        ModelNotFoundError, match="trained with GELU, but .*-quickgelu' has QuickGELU. Use 'ViT-B-32'"
    ):
        load_clip("ViT-B-32-quickgelu", "laion2b_s34b_b79k")


def test_a_weights_file_is_loaded_into_the_architecture_that_is_named(downloads, tmp_path):
    path = str(tmp_path / "open_clip_model.safetensors")
    assert activations(load_clip("ViT-B-32", path)) == {torch.nn.GELU}
    assert activations(load_clip("ViT-B-32-quickgelu", path)) == {QuickGELU}


def test_every_tag_of_open_clip_goes_with_its_activation():
    """But one, of which open_clip's own tables disagree: its configuration is followed."""
    wrong = set()
    for name in open_clip.list_models():
        for tag in open_clip.list_pretrained_tags_by_model(name):
            trained = open_clip.get_pretrained_cfg(name, tag).get("quick_gelu", False)
            built = open_clip.get_model_config(with_activation(name, tag)).get("quick_gelu", False)
            if bool(trained) != bool(built):
                wrong.add((name, tag))
    assert wrong == {("roberta-ViT-B-32", "laion2b_s12b_b32k")}


@pytest.mark.parametrize(
    ("name", "pixels"), [("ViT-B-16-SigLIP", 32), ("coca_ViT-B-32", 32), ("convnext_base", 64), ("RN50", 64)]
)
def test_images_and_captions_have_the_size_the_model_takes(tmp_path, name, pixels):
    """Padded to the context that the model has, as SigLIP's last token wants it."""
    from PIL import Image

    folder = write_folder(tmp_path, name)
    with small_timm():
        clip = load_clip(f"local-dir:{folder}")
    image = clip.preprocess(Image.new("RGB", (90, 70)))[None]
    tokens = clip.tokenize(["seven", "two seven"])
    assert image.shape[-2:] == (pixels, pixels)
    assert tokens.shape == (2, 12)
    assert clip.model.encode_image(image).shape == (1, 32)
    assert clip.model.encode_text(tokens).shape == (2, 32)
    assert {weight.dtype for weight in clip.model.parameters()} == {torch.float32}


def test_a_tokenizer_that_is_not_there_is_one_sentence(tmp_path, monkeypatch):
    folder = write_folder(tmp_path, "ViT-B-16-SigLIP", tokenizer=False)
    with small_timm():
        with pytest.raises(ModelNotFoundError, match="Could not load the tokenizer of model 'local-dir:"):
            load_clip(f"local-dir:{folder}")
        monkeypatch.setitem(sys.modules, "transformers", None)
        with pytest.raises(ModelNotFoundError, match="pip install transformers"):
            load_clip(f"local-dir:{folder}")
