import hashlib

import open_clip
import pytest
import torch
from safetensors import safe_open

from slug_lightning.miniature.model_folder import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    checksum,
    model_config,
    new_model,
    write_json,
    write_weights,
)


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    config = model_config(700)
    write_json(tmp_path / CONFIG_FILE, config)
    write_weights(new_model(config), tmp_path)
    return tmp_path


def test_open_clip_reads_the_folder_as_its_own(folder):
    model = open_clip.create_model(f"local-dir:{folder}")
    assert type(model) is open_clip.CLIP
    with safe_open(folder / WEIGHTS_FILE, "pt") as weights:
        assert set(weights.keys()) == set(model.state_dict())
        assert all(torch.equal(weights.get_tensor(n), w) for n, w in model.state_dict().items())


def test_the_preprocessing_is_that_of_the_folder(folder):
    from PIL import Image

    _, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    grey = preprocess(Image.new("RGB", (32, 32), (255, 255, 255)))
    assert grey.shape == (3, 32, 32)
    torch.testing.assert_close(grey, torch.full((3, 32, 32), 2.0))  # (1 - mean 0.5) / std 0.25


def test_the_towers_have_what_patches_and_hosts_need():
    model = new_model(model_config(700))
    names = dict(model.named_parameters())
    assert {"visual.proj", "text_projection", "logit_scale"} <= set(names)
    assert names["visual.proj"].shape[1] == names["text_projection"].shape[1]
    assert sum(isinstance(m, torch.nn.Dropout) and m.p > 0 for m in model.modules()) == 0


def test_equal_weights_give_equal_bytes(folder, tmp_path_factory):
    torch.manual_seed(0)
    again = tmp_path_factory.mktemp("again")
    write_weights(new_model(model_config(700)), again)
    assert checksum(again) == checksum(folder)
    assert checksum(folder) == hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
