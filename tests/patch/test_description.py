import json

import pytest
import torch

from slug_lightning.patch.description import (
    close,
    describe_tower,
    differing,
    matches,
    precision_of,
    read_description,
    sample_values,
)
from tests.helpers import tiny_clip
from tests.hosts.building import noisy


def test_samples_are_exact_and_bounded():
    weight = torch.randn(100, 50)
    samples = sample_values(weight)
    assert len(samples) == 64
    assert samples[0] == weight[0, 0].item()
    assert samples[-1] == weight[-1, -1].item()
    assert sample_values(torch.tensor([2.5])) == [2.5]
    assert sample_values(torch.tensor(2.5)) == [2.5]


def test_a_description_holds_every_layer_of_its_tower_alone():
    model = noisy(tiny_clip(custom_text=True))
    text, vision = (json.loads(describe_tower(model, tower)) for tower in ("text", "vision"))
    assert text["activation"] == "gelu"
    names = {name.removeprefix("text.") for name, _ in model.named_parameters()}
    assert set(text["layers"]) | set(vision["layers"]) == names
    assert not set(text["layers"]) & set(vision["layers"])
    assert read_description({}) is None


def test_the_description_of_the_largest_text_tower_stays_small():
    import open_clip

    model = open_clip.CLIP(
        8,
        {"layers": 1, "width": 8, "head_width": 4, "patch_size": 8, "image_size": 8},
        {"layers": 32, "width": 8, "heads": 2, "vocab_size": 64, "context_length": 8},
    )
    assert len(describe_tower(noisy(model), "text")) < 100_000


def test_differing_layers_are_named_unknown_ones_too():
    model = noisy(tiny_clip())
    layers = json.loads(describe_tower(model, "vision"))["layers"]
    weights = [(name, weight) for name, weight in model.named_parameters() if name.startswith("visual.")]
    assert differing(weights, layers) == []
    weights[3] = (weights[3][0], weights[3][1] + 1)
    assert differing([*weights, ("visual.extra", torch.ones(2))], layers) == [weights[3][0], "visual.extra"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_rounded_weights_match_and_moved_ones_do_not(dtype):
    weight = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    samples = sample_values(weight, 4)
    for host in (weight.to(dtype), weight.to(dtype).float()):
        assert matches(host, "other", samples)
        assert not matches(host * 1.5, "other", samples)
    assert not matches(weight, "other", samples)  # float32 is matched by its digest alone


def test_precision_is_what_the_values_passed_through():
    weight = torch.tensor([0.1, 1 / 3])
    assert precision_of(weight) == torch.float32
    assert precision_of(weight.double()) == torch.float32
    assert precision_of(weight.half().float()) == torch.float16
    assert precision_of((weight * 1e30).bfloat16().float()) == torch.bfloat16
    assert precision_of(weight.bfloat16()) == precision_of(weight.bfloat16().half()) == torch.bfloat16
    assert precision_of(weight.half()) == torch.float16


def test_close_is_one_rounding_and_never_of_unequal_length():
    assert close([1.0], [1.0004], torch.float16)
    assert not close([1.0], [1.002], torch.float16)
    assert not close([1.0, 2.0], [1.0], torch.float16)
