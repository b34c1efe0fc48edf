import diffusers
import pytest
import torch
import transformers

from slug_lightning.errors import HostError
from slug_lightning.hosts import live_sites
from slug_lightning.hosts.live import is_host, is_pipeline, is_transformers
from tests.helpers import tiny_clip
from tests.hosts.building import llava, pipeline


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("StableDiffusionPipeline", [12]),
        ("StableDiffusionPipeline 2", [23]),
        ("StableDiffusionXLPipeline", [12, 32]),
        ("StableDiffusion3Pipeline", [12, 32]),
    ],
)
def test_pipelines_show_all_of_their_encoders(name, blocks):
    pipe = pipeline(name)
    assert is_pipeline(pipe)
    assert is_host(pipe)
    sites = live_sites(pipe)
    assert [site.blocks for site in sites] == blocks
    assert [site.place.component for site in sites] == ["text_encoder", "text_encoder_2"][: len(blocks)]
    assert [site.activation for site in sites] == (["gelu"] if "2" in name else ["quick_gelu", "gelu"])[
        : len(blocks)
    ]


@pytest.mark.parametrize("kind", ["LlavaForConditionalGeneration", "LlavaNextForConditionalGeneration"])
def test_llava_shows_its_vision_tower(kind):
    model = llava(kind)
    assert is_transformers(model)
    for host in (model, model.model):
        (site,) = live_sites(host)
        assert (site.tower, site.blocks, site.activation) == ("vision", 24, "quick_gelu")
        assert site.place.reading.unread_blocks == 1
    assert live_sites(llava(kind, vision_feature_layer=-4))[0].place.reading.unread_blocks == 3


def test_sites_hold_the_models_own_tensors():
    model = llava()
    (site,) = live_sites(model)
    with torch.no_grad():
        site.tensors["model.vision_tower.pre_layrnorm.bias"].fill_(3)
    assert model.model.vision_tower.pre_layrnorm.bias.unique().tolist() == [3]


def test_a_compiled_encoder_is_still_one():
    pipe = pipeline("StableDiffusionPipeline")
    (before,) = live_sites(pipe)
    compiled = torch.nn.Module()  # as torch.compile wraps it; importing its compiler would take seconds
    compiled._orig_mod = pipe.text_encoder
    pipe.text_encoder = compiled
    (after,) = live_sites(pipe)
    assert after.layers() == before.layers()


def test_a_part_that_is_not_there_is_no_site():
    pipe = pipeline("StableDiffusionXLPipeline")
    pipe.text_encoder = None  # as in the refiner
    assert [site.place.component for site in live_sites(pipe)] == ["text_encoder_2"]
    pipe.text_encoder_2 = None
    with pytest.raises(HostError, match="no CLIP tower in 'text_encoder' or 'text_encoder_2'"):
        live_sites(pipe)


def test_what_is_no_host_is_refused():
    assert not is_host(tiny_clip())
    for thing in (tiny_clip(), "model", None):
        with pytest.raises(HostError, match="Expected an open_clip model, a model of transformers"):
            live_sites(thing)
    bert = transformers.BertModel(
        transformers.BertConfig(
            hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=9
        )
    )
    with pytest.raises(HostError, match="got 'BertModel'"):
        live_sites(bert)
    siglip = transformers.SiglipVisionConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=8,
        patch_size=4,
    )
    language = transformers.LlamaConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, vocab_size=100
    )
    config = transformers.LlavaConfig(vision_config=siglip, text_config=language, image_token_index=99)
    model = transformers.LlavaForConditionalGeneration(config)
    with pytest.raises(HostError, match=r"no CLIP tower in 'model\.vision_tower'"):
        live_sites(model)
    with pytest.raises(HostError, match="got 'DDPMPipeline'"):
        live_sites(diffusers.DDPMPipeline(unet=None, scheduler=None))
