import pytest

from slug_lightning.errors import HostError
from slug_lightning.hosts.places import MODELS, Place, model_places, pipeline_places
from slug_lightning.hosts.reading import LAST_TEXT, LLAVA_VISION


@pytest.mark.parametrize(
    ("name", "components"),
    [
        ("StableDiffusionPipeline", ["text_encoder"]),
        ("StableDiffusionControlNetImg2ImgPipeline", ["text_encoder"]),
        ("StableDiffusionXLPipeline", ["text_encoder", "text_encoder_2"]),
        ("StableDiffusion3InpaintPipeline", ["text_encoder", "text_encoder_2"]),
    ],
)
def test_pipelines_are_known_by_the_start_of_their_names(name, components):
    assert [place.component for place in pipeline_places(name)] == components


def test_every_model_that_is_named_exists_in_transformers():
    import transformers

    assert all(hasattr(transformers, name) for name in MODELS)


def test_subclasses_are_known_by_what_they_derive_from():
    assert model_places(["MyLlava", "LlavaForConditionalGeneration", "object"])[0].reading is LLAVA_VISION


def test_other_models_and_pipelines_are_refused():
    with pytest.raises(HostError, match=r"got 'CLIPTextModell'.*Closest: \['CLIPTextModel'"):
        model_places(["CLIPTextModell"])
    with pytest.raises(HostError, match=r"got 'FluxPipeline'.*pipeline\.text_encoder"):
        pipeline_places("FluxPipeline")


def test_a_trunk_is_found_in_old_and_new_spelling():
    place = MODELS["LlavaForConditionalGeneration"][0]
    for trunk in ("model.vision_tower.", "vision_tower.vision_model.", "vision_tower."):
        names = {
            f"{trunk}encoder.layers.0.self_attn.q_proj.weight": 0,
            f"{trunk}embeddings.class_embedding": 0,
        }
        assert place.trunk(names) == trunk
        assert place.trunk(dict(list(names.items())[:1])) is None  # SigLIP
        assert place.trunk(dict(list(names.items())[1:])) is None


def test_the_reading_follows_the_models_settings():
    place = MODELS["LlavaForConditionalGeneration"][0]
    assert place.read_by({"vision_feature_layer": -3}, 24).reading.unread_blocks == 2
    assert place.read_by({}, 24) is place
    text = Place("", ("",), LAST_TEXT)
    assert text.read_by({"vision_feature_layer": -3}, 24) is text
    assert place.settings({"vision_config": {"a": 1}}) == {"a": 1}
    assert text.settings({"a": 1}) == {"a": 1}
