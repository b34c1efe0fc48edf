import pytest
import torch

from slug_lightning.errors import PatchMismatchError
from slug_lightning.models import get_layer
from slug_lightning.patch import Patch, applied_together
from tests.helpers import tiny_clip

ABOUT = {
    "concept": "x", "base_model": "tiny", "data_digest": "d", "seed": "0", "created": "now",
    "package_version": "0",
}  # fmt: skip
LAYERS = ["visual.proj", "text_projection", "visual.proj"]


def patches(model):
    return [
        Patch.create(model, layer, torch.randn_like(get_layer(model, layer)), 0.1 * (i + 1), ABOUT)
        for i, layer in enumerate(LAYERS)
    ]


def test_every_update_is_added_and_taken_back_bit_for_bit():
    model = tiny_clip()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    made = patches(model)
    with applied_together(made, model):
        once, twice = get_layer(model, "text_projection"), get_layer(model, "visual.proj")
        assert torch.equal(once, before["text_projection"] + made[1].update)
        assert torch.equal(twice, (before["visual.proj"] + made[0].update) + made[2].update)
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name])


def test_no_patch_is_applied_if_one_belongs_to_other_weights():
    model, other = tiny_clip(), tiny_clip(seed=1)
    before = get_layer(model, "visual.proj").clone()
    mixed = [patches(model)[0], patches(other)[1]]
    refused = pytest.raises(PatchMismatchError, match="not the one the patch was made on")
    with refused, applied_together(mixed, model):
        raise AssertionError("the block must not be entered")
    assert torch.equal(get_layer(model, "visual.proj"), before)


def test_no_patch_is_the_model_itself():
    model = tiny_clip()
    with applied_together([], model) as same:
        assert same is model
