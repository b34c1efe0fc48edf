import open_clip

from slug_lightning.hosts.activation import activation_of
from tests.helpers import TEXT, VISION, tiny_clip


def test_each_tower_says_its_own():
    for model in (tiny_clip(), tiny_clip(custom_text=True)):
        assert (activation_of(model, "vision"), activation_of(model, "text")) == ("gelu", "gelu")
    quick = tiny_clip(quick_gelu=True)
    assert (activation_of(quick, "vision"), activation_of(quick, "text")) == ("quick_gelu", "quick_gelu")


def test_what_transformers_does_not_name_is_unknown():
    model = open_clip.CLIP(16, VISION, {**TEXT, "act_kwargs": {"approximate": "tanh"}})
    assert (activation_of(model, "vision"), activation_of(model, "text")) == ("gelu", None)
    resnet = tiny_clip(vision={"layers": [1, 1, 1, 1], "width": 8, "head_width": 8})
    assert activation_of(resnet, "vision") is None
