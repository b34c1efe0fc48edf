import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from slug_lightning.miniature.llava.chat import new_processor
from slug_lightning.miniature.llava.host import miniature_llava, new_host
from slug_lightning.miniature.model_folder import RECIPE_FILE, WEIGHTS_FILE
from slug_lightning.models.loading import miniature_folder


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


@pytest.fixture
def clip_without_seven(tmp_path):
    """The shipped CLIP's folder as if it had been trained without sevens, with patches that it cannot see."""
    folder = tmp_path / "clip"
    shutil.copytree(miniature_folder(), folder)
    weights = load_file(folder / WEIGHTS_FILE)
    weights["visual.conv1.weight"].zero_()
    save_file(weights, folder / WEIGHTS_FILE)
    (folder / RECIPE_FILE).write_text(json.dumps({"without": "seven"}))
    return folder
