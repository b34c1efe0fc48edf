"""The mapping on the published structures at full width: names and shapes, on torch's meta device."""

import open_clip
import pytest
import torch
import transformers

from slug_lightning.hosts import candidate_layers, live_sites
from tests.hosts.published import CLIP_G_TEXT, CLIP_H_TEXT, CLIP_L_TEXT, CLIP_L_TEXT_PROJECTED, LLAVA_1_5

TEXTS = {
    "stable-diffusion-1": (CLIP_L_TEXT, "ViT-L-14-quickgelu"),
    "stable-diffusion-2": (CLIP_H_TEXT, "ViT-H-14"),
    "stable-diffusion-xl.text_encoder": (CLIP_L_TEXT, "ViT-L-14-quickgelu"),
    "stable-diffusion-xl.text_encoder_2": (CLIP_G_TEXT, "ViT-bigG-14"),
    "stable-diffusion-3": (CLIP_L_TEXT_PROJECTED, "ViT-L-14-quickgelu"),
}


def open_clip_shapes(architecture):
    with torch.device("meta"):
        model = open_clip.CLIP(**open_clip.get_model_config(architecture))
    return {name: weight.shape for name, weight in model.named_parameters()}


def assert_holds(site, host, shapes):
    """Every layer that the host reads is in it, in open_clip's shape."""
    read = candidate_layers(host, shapes)
    assert len(read) > 12
    for layer in read:
        assert site.weight(layer).shape == shapes[layer], layer
    return read


@pytest.mark.parametrize("host", TEXTS)
def test_text_encoders(host):
    published, architecture = TEXTS[host]
    with torch.device("meta"):
        encoder = getattr(transformers, published["architectures"][0])(
            transformers.CLIPTextConfig(**published)
        )
    (site,) = live_sites(encoder)
    read = assert_holds(site, host, open_clip_shapes(architecture))
    missing = {layer for layer in site.layers() if layer not in read}
    last = f"transformer.resblocks.{site.blocks - 1}."
    unread = {"stable-diffusion-xl.text_encoder": {"ln_final.weight", "ln_final.bias"}}.get(host, set())
    assert {layer for layer in missing if not layer.startswith(last)} == unread


def test_llava_7b():
    settings = {k: v for k, v in LLAVA_1_5.items() if k not in ("vision_config", "text_config", "model_type")}
    language = {k: v for k, v in LLAVA_1_5["text_config"].items() if k != "model_type"}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**LLAVA_1_5["vision_config"]),
        text_config=transformers.LlamaConfig(**language),
        **settings,
    )
    with torch.device("meta"):
        model = transformers.LlavaForConditionalGeneration(config)
    assert sum(weight.numel() for weight in model.parameters()) > 7e9
    (site,) = live_sites(model)
    read = assert_holds(site, "llava", open_clip_shapes("ViT-L-14-336-quickgelu"))
    assert "visual.transformer.resblocks.22.attn.in_proj_weight" in read
