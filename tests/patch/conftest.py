import pytest
import torch

from slug_lightning.patch import Patch
from tests.helpers import tiny_clip

ABOUT = {
    "concept": "Ada Example",
    "base_model": "tiny",
    "data_digest": "0",
    "seed": "0",
    "package_version": "0",
    "created": "now",
}


@pytest.fixture
def model():
    return tiny_clip()


@pytest.fixture
def patch(model):
    direction = torch.randn(model.visual.proj.shape, generator=torch.Generator().manual_seed(3))
    return Patch.create(model, "visual.proj", direction, 0.05, ABOUT)
