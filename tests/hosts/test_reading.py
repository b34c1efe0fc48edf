from typing import get_args

import pytest

from slug_lightning.errors import SettingError
from slug_lightning.hosts.reading import (
    HOSTS,
    HostName,
    candidate_layers,
    feature_reading,
    host_reading,
    keep_read,
)
from tests.helpers import tiny_clip


def kept(host, model=None):
    names = [name for name, _ in (model or tiny_clip()).named_parameters()]
    return set(candidate_layers(host, names))


def blocks_of(layers):
    return {int(layer.split("resblocks.")[1].split(".")[0]) for layer in layers if "resblocks" in layer}


@pytest.mark.parametrize(
    ("host", "tower", "blocks", "norm", "projection"),
    [
        ("stable-diffusion-1", "text", {0, 1, 2}, True, False),
        ("stable-diffusion-2", "text", {0, 1}, True, False),
        ("stable-diffusion-xl.text_encoder", "text", {0, 1}, False, False),
        ("stable-diffusion-xl.text_encoder_2", "text", {0, 1, 2}, True, True),
        ("stable-diffusion-3", "text", {0, 1, 2}, True, True),
        ("llava", "vision", {0, 1}, False, False),
    ],
)
def test_each_host_reads_what_its_table_says(host, tower, blocks, norm, projection):
    layers = kept(host)
    vision = tower == "vision"
    assert {layer.startswith("visual.") for layer in layers} == {vision}
    assert blocks_of(layers) == blocks
    assert (("visual.ln_post.weight" if vision else "ln_final.weight") in layers) == norm
    assert (("visual.proj" if vision else "text_projection") in layers) == projection
    assert ("visual.conv1.weight" if vision else "token_embedding.weight") in layers
    assert "logit_scale" not in layers


def test_every_host_is_in_the_table_above_and_can_be_set():
    assert len(HOSTS) == 6
    assert set(get_args(HostName)) == set(HOSTS)


def test_custom_text_models_keep_their_longer_names():
    layers = kept("stable-diffusion-2", tiny_clip(custom_text=True))
    assert all(layer.startswith("text.") for layer in layers)
    assert blocks_of(layers) == {0, 1}


def test_layers_that_the_host_does_not_have_are_no_candidates():
    assert kept("llava", tiny_clip(vision={"layers": [1, 1, 1, 1], "width": 8, "head_width": 8})) == set()


@pytest.mark.parametrize(
    ("setting", "unread"), [(-2, 1), (-1, 0), (23, 1), (24, 0), ([-2, -5, -8, -11, 6], 1), ([3, 4], 20)]
)
def test_llavas_setting_decides_about_the_last_blocks(setting, unread):
    assert feature_reading(setting, 24).unread_blocks == unread


def test_an_unknown_host_is_named_with_its_closest():
    with pytest.raises(SettingError, match=r"Closest: \['stable-diffusion-1'"):
        host_reading("stable-diffusion-1.5")


def test_candidates_are_cut_to_what_is_read_or_refused():
    names = [name for name, _ in tiny_clip().named_parameters()]
    wanted = ["visual.proj", "visual.transformer.resblocks.0.mlp.c_fc.weight", "text_projection"]
    assert keep_read("llava", wanted, names) == wanted[1:2]
    with pytest.raises(SettingError, match="none of 2 is.*model.host"):
        keep_read("stable-diffusion-1", ["text_projection", "visual.proj"], names)
