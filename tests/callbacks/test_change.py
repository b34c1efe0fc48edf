"""What the report says of the change is true of the weights."""

import torch

from slug_lightning.callbacks.change import describe_change
from slug_lightning.models import get_layer, tensor_digest, tower_digest
from slug_lightning.patch import Patch
from tests.helpers import tiny_clip

LAYER = "transformer.resblocks.1.mlp.c_fc.weight"
ABOUT = dict.fromkeys(("concept", "base_model", "data_digest", "seed", "package_version", "created"), "x")


def test_sizes_and_fingerprints_are_those_of_the_weights():
    model = tiny_clip()
    original = get_layer(model, LAYER).detach().clone()
    direction = torch.randn(original.shape, generator=torch.Generator().manual_seed(1))
    patch = Patch.create(model, LAYER, direction, 0.5, ABOUT)
    change = describe_change(patch, model)
    assert get_layer(model, LAYER).equal(original)
    torch.testing.assert_close(change["update_norm"], 0.5 * float(direction.norm()))
    torch.testing.assert_close(change["weight_norm"], float(original.norm()))
    assert change["shape"] == list(original.shape)
    before, after = change["fingerprint"]["before"], change["fingerprint"]["after"]
    assert before["layer"] == tensor_digest(original)
    assert after["layer"] == tensor_digest(original + patch.update)
    assert before["tower"] == tower_digest(model, "text")
    assert before["tower"] != after["tower"]
    assert before["other_tower"] == after["other_tower"] == tower_digest(model, "vision")
