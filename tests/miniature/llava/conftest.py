import pytest
import torch

from slug_lightning.miniature.llava.chat import new_processor
from slug_lightning.miniature.llava.host import miniature_llava, new_host


@pytest.fixture(scope="session")
def processor():
    return new_processor()


@pytest.fixture
def untrained():
    torch.manual_seed(3)
    return new_host()


@pytest.fixture(scope="session")
def shipped():
    return miniature_llava()
