import pytest
import torch
from safetensors.torch import save_file

from slug_lightning.errors import BadDataError, DataNotFoundError
from slug_lightning.tensor_file import read_tensor_file


def test_round_trip(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.arange(3.0)}, path, metadata={"what": "a test"})
    tensors, header = read_tensor_file(path, "patch")
    assert torch.equal(tensors["x"], torch.arange(3.0))
    assert header == {"what": "a test"}


@pytest.mark.parametrize("length", [0, 4, 60, -1])
def test_cut_at_any_place_is_refused(tmp_path, length):
    path = tmp_path / "a.safetensors"
    save_file({"x": torch.arange(3.0)}, path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BadDataError, match="cut short"):
        read_tensor_file(path, "patch")


def test_missing_is_refused_with_the_next_action(tmp_path):
    with pytest.raises(DataNotFoundError, match="slug fit"):
        read_tensor_file(tmp_path / "none", "patch")
