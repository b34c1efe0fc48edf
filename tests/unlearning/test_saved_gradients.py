import json

import pytest
import torch

from slug_lightning.errors import PatchMismatchError, SettingError
from slug_lightning.unlearning.gradients import Gradients
from slug_lightning.unlearning.saved_gradients import check_saved

FINGERPRINT = {"vision": "a", "text": "b"}


@pytest.fixture
def gradients():
    part, both = {"visual.proj": torch.ones(2)}, {"forget": 1, "retain": 1}
    header = {"concept": "seven", "base_model": "mine", "base_fingerprint": json.dumps(FINGERPRINT)}
    return Gradients(part, part, both, both, header)


def test_gradients_of_this_model_and_concept_are_taken(gradients):
    check_saved(gradients, "seven", "mine", FINGERPRINT, ["visual.proj"])


@pytest.mark.parametrize(
    ("concept", "vision", "layers", "kind", "said"),
    [
        ("three", "a", ["visual.proj"], SettingError, "of the concept 'seven', but data.concept is 'three'"),
        ("seven", "c", ["visual.proj"], PatchMismatchError, r"\(base model 'mine'\) than 'other'"),
        ("seven", "a", ["visual.proj", "b", "c"], SettingError, "lack 2 candidate layers, first 'b'"),
    ],
)
def test_others_are_refused(gradients, concept, vision, layers, kind, said):
    with pytest.raises(kind, match=said):
        check_saved(gradients, concept, "other", {**FINGERPRINT, "vision": vision}, layers)
