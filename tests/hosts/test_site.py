import pytest
import torch

from slug_lightning.errors import LayerNotFoundError, UnreadLayerError
from slug_lightning.hosts import live_sites
from slug_lightning.hosts.conversion import to_transformers
from tests.helpers import tiny_clip
from tests.hosts.building import llava, pipeline


def test_weights_have_their_canonical_shape():
    model = tiny_clip()
    weights = dict(model.named_parameters())
    for site in live_sites(to_transformers(model)):
        for layer in site.layers():
            assert torch.equal(site.weight(layer), weights[layer]), layer


def test_layers_are_those_that_the_host_has():
    site = live_sites(to_transformers(tiny_clip(), "CLIPTextModel"))[0]
    assert "transformer.resblocks.2.ln_1.bias" in site.layers()
    assert "transformer.resblocks.3.ln_1.bias" not in site.layers()
    assert not site.has("text_projection")
    with pytest.raises(LayerNotFoundError, match=r"CLIPTextModel has no 'encoder\.layers\.3"):
        site.pieces("transformer.resblocks.3.ln_1.bias")


@pytest.mark.parametrize(
    ("name", "number", "layer", "reason"),
    [
        (
            "StableDiffusionPipeline",
            0,
            "text_projection",
            "does not have.*last hidden state .*before text_projection",
        ),
        (
            "StableDiffusionPipeline 2",
            0,
            "transformer.resblocks.23.mlp.c_fc.weight",
            "does not have.*blocks 0 to 22",
        ),
        (
            "StableDiffusionXLPipeline",
            0,
            "transformer.resblocks.11.mlp.c_fc.weight",
            "does not read.*blocks 0 to 10",
        ),
        ("StableDiffusionXLPipeline", 0, "ln_final.weight", "does not read.*without ln_final"),
        ("StableDiffusion3Pipeline", 1, "visual.proj", "does not have"),
    ],
)
def test_unread_layers_are_refused_with_the_reason(name, number, layer, reason):
    site = live_sites(pipeline(name))[number]
    with pytest.raises(UnreadLayerError, match=rf"{site.name.replace('.', '[.]')} {reason}.*model\.host"):
        site.require_read(layer)


@pytest.mark.parametrize(
    "layer", ["visual.transformer.resblocks.23.mlp.c_fc.weight", "visual.ln_post.bias", "visual.proj"]
)
def test_llava_does_not_read_what_comes_after_its_second_last_block(layer):
    site = live_sites(llava())[0]
    with pytest.raises(UnreadLayerError, match="block 22.*reads blocks 0 to 22 of the vision tower"):
        site.require_read(layer)
    site.require_read("visual.transformer.resblocks.22.mlp.c_fc.weight")
