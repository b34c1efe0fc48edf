import json

import pytest
import torch

from slug_lightning.errors import PatchMismatchError
from slug_lightning.patch.checks import check_tower, check_weight, fingerprint, sample_values


def test_samples_are_exact_and_bounded():
    weight = torch.randn(100, 50)
    samples = sample_values(weight)
    assert len(samples) == 64
    assert samples[0] == weight[0, 0].item()
    assert samples[-1] == weight[-1, -1].item()
    assert sample_values(torch.tensor([2.5])) == [2.5]


def test_a_fingerprint_accepts_its_own_weights(model):
    header = {"layer": "visual.proj", "base_model": "tiny", "concept": "c"}
    header |= fingerprint(model, "visual.proj", model.visual.proj)
    check_weight(model.visual.proj, torch.ones_like(model.visual.proj), header)
    check_tower(model, header)
    assert set(json.loads(header["base_fingerprint"])) == {"layer", "tower"}


def test_one_flipped_bit_is_seen_in_float32(model):
    header = {"layer": "visual.proj", "base_model": "tiny", "concept": "c"}
    header |= fingerprint(model, "visual.proj", model.visual.proj)
    weight = model.visual.proj.detach().clone()
    weight[3, 3] = torch.nextafter(weight[3, 3], torch.tensor(9.0))
    with pytest.raises(PatchMismatchError, match="is not the one"):
        check_weight(weight, torch.ones_like(weight), header)
