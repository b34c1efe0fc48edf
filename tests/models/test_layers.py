import pytest

from slug_lightning.errors import LayerNotFoundError, SettingError
from slug_lightning.models import candidate_layers, get_layer
from tests.architectures import small_model
from tests.helpers import tiny_clip


def test_default_candidates_are_matrices_without_embeddings():
    names = candidate_layers(tiny_clip())
    assert "visual.proj" in names
    assert "text_projection" in names
    assert "visual.transformer.resblocks.0.attn.in_proj_weight" in names
    for fragment in ("bias", "embedding", "ln_", "logit_scale"):
        assert not any(fragment in name for name in names)


def test_published_preset_keeps_normalisation_weights():
    published = set(candidate_layers(tiny_clip(), "published"))
    assert set(candidate_layers(tiny_clip())) < published
    assert "ln_final.weight" in published
    assert not any("bias" in name or "position" in name for name in published)


def test_include_narrows():
    names = candidate_layers(tiny_clip(), include=["transformer.resblocks.*"])
    assert names
    assert all(name.startswith("transformer.resblocks.") for name in names)


def test_nothing_left_is_refused():
    with pytest.raises(SettingError, match="at least one candidate layer"):
        candidate_layers(tiny_clip(), include=["nothing.*"])


def test_unknown_preset_is_refused_with_a_near_miss():
    with pytest.raises(SettingError, match=r"Closest: \['published'\]"):
        candidate_layers(tiny_clip(), "publshed")


def test_unknown_layer_is_refused_with_near_misses():
    with pytest.raises(LayerNotFoundError, match=r"'visual.projj' is not a parameter .* \['visual.proj'"):
        get_layer(tiny_clip(), "visual.projj")


def test_what_is_no_matrix_is_no_candidate_whatever_its_name():
    """timm's ConvNeXt calls a normalisation ``stem.1``."""
    model = small_model("convnext_base")
    assert "visual.trunk.stem.1.weight" in candidate_layers(model, "published")
    assert "visual.trunk.stem.1.weight" not in candidate_layers(model)


def test_layers_that_no_embedding_depends_on_are_no_candidates():
    for exclude in ("default", "published"):
        assert not any(
            name.startswith("text_decoder.") for name in candidate_layers(small_model("coca_base"), exclude)
        )
