import pytest
import torch

from slug_lightning.errors import HostError
from slug_lightning.hosts import live_sites
from slug_lightning.hosts.conversion import fill_, take_, text_settings, to_transformers, vision_settings
from slug_lightning.models import load_clip
from tests.helpers import captions, pictures, tiny_clip
from tests.hosts.building import noisy

ARCHITECTURES = {
    "B-like": {},
    "L-like": {"quick_gelu": True, "vision": {"layers": 4, "patch_size": 4}},
    "H-like": {"vision": {"width": 40, "head_width": 20, "layers": 4}, "text": {"layers": 2, "heads": 4}},
    "bigG-like": {"vision": {"width": 26, "head_width": 13, "mlp_ratio": 4.9231}},
    "custom text": {"custom_text": True, "quick_gelu": True},
}


@pytest.mark.parametrize("name", ARCHITECTURES)
@torch.no_grad()
def test_embeddings_are_equal(name):
    model = noisy(tiny_clip(**ARCHITECTURES[name]))
    images, tokens = pictures(3), captions(5)
    host = to_transformers(model)
    seen = host.get_image_features(pixel_values=images).pooler_output
    read = host.get_text_features(input_ids=tokens).pooler_output
    torch.testing.assert_close(seen, model.encode_image(images), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(read, model.encode_text(tokens), atol=1e-5, rtol=1e-5)
    assert host.logit_scale == model.logit_scale
    one = to_transformers(model, "CLIPTextModelWithProjection")(input_ids=tokens).text_embeds
    torch.testing.assert_close(one, read, atol=1e-6, rtol=1e-6)
    one = to_transformers(model, "CLIPVisionModelWithProjection")(pixel_values=images).image_embeds
    torch.testing.assert_close(one, seen, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("kind", ["CLIPTextModel", "CLIPVisionModel"])
def test_towers_alone_have_no_projection(kind):
    site = live_sites(to_transformers(tiny_clip(), kind))[0]
    assert site.tower == ("text" if "Text" in kind else "vision")
    assert not site.has("text_projection" if site.tower == "text" else "visual.proj")


@torch.no_grad()
def test_the_shipped_miniature_becomes_a_text_encoder_and_a_vision_tower():
    clip = load_clip("miniature")
    tokens = clip.tokenize(["a chalk drawing of the digit seven.", "three"])
    text = to_transformers(clip.model, "CLIPTextModelWithProjection")
    torch.testing.assert_close(
        text(input_ids=tokens).text_embeds, clip.model.encode_text(tokens), atol=1e-5, rtol=1e-5
    )
    vision = to_transformers(clip.model, "CLIPVisionModelWithProjection")
    images = pictures(2)
    torch.testing.assert_close(
        vision(pixel_values=images).image_embeds, clip.model.encode_image(images), atol=1e-5, rtol=1e-5
    )


def test_the_model_is_left_alone_and_nothing_is_shared():
    model = tiny_clip()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    host = to_transformers(model)
    with torch.no_grad():
        for weight in host.parameters():
            weight.zero_()
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())


def test_the_dtype_is_kept():
    assert to_transformers(tiny_clip().to(torch.bfloat16)).dtype == torch.bfloat16


def test_settings_are_those_of_the_towers():
    text, vision = text_settings(tiny_clip()), vision_settings(tiny_clip(quick_gelu=True))
    assert (text["hidden_size"], text["num_attention_heads"], text["eos_token_id"]) == (32, 2, 63)
    assert (vision["image_size"], vision["patch_size"], vision["hidden_act"]) == (32, 8, "quick_gelu")


def test_what_transformers_cannot_compute_is_refused():
    with pytest.raises(HostError, match=r"has no 'visual\.conv2\.weight'|only plain ViTs"):
        to_transformers(tiny_clip(vision={"layers": [1, 1, 1, 1], "width": 8, "head_width": 8}))
    with pytest.raises(HostError, match="'tok' pooling.*but got 'avg'"):
        to_transformers(tiny_clip(vision={"pool_type": "avg"}))
    with pytest.raises(HostError, match="GELU or QuickGELU, but got 'argmax' and None"):
        to_transformers(tiny_clip(text={"act_kwargs": {"approximate": "tanh"}}))


def test_taking_is_the_inverse_of_filling():
    model, other = noisy(tiny_clip()), tiny_clip(seed=4)
    (site,) = live_sites(to_transformers(model, "CLIPTextModel"))
    kept = other.text_projection.detach().clone()
    take_(other, site)
    weights = dict(model.named_parameters())
    for layer, weight in other.named_parameters():
        assert torch.equal(weight, weights[layer]) == (layer in site.layers()), layer
    assert torch.equal(other.text_projection, kept)
    with pytest.raises(HostError, match=r"no such layer|of shape \(.*Take the architecture"):
        take_(tiny_clip(text={"layers": 2}), site)


def test_a_host_of_another_size_is_not_filled():
    site = live_sites(to_transformers(tiny_clip(text={"width": 64}), "CLIPTextModel"))[0]
    with pytest.raises(HostError, match="has shape .*Build the host from its settings"):
        fill_(site, tiny_clip())
    site = live_sites(to_transformers(tiny_clip(text={"layers": 4}), "CLIPTextModel"))[0]
    with pytest.raises(HostError, match=r"resblocks\.3\..*open_clip model does not"):
        fill_(site, tiny_clip())
