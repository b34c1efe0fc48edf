import pytest
import torch
from safetensors.torch import load_file, save_file

from slug_lightning.errors import BadDataError
from slug_lightning.hosts.shards import TensorFiles, byte_ranges, overwrite_, tensor_names


@pytest.fixture
def shard(tmp_path):
    tensors = {
        "a": torch.arange(6.0).reshape(2, 3),
        "b": torch.arange(4).to(torch.bfloat16),
        "c": torch.tensor([7], dtype=torch.int64),
    }
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt", "note": "kept"})
    return tmp_path / "x.safetensors", tensors


def test_ranges_are_where_the_bytes_are(shard):
    path, tensors = shard
    data = path.read_bytes()
    ranges = byte_ranges(path)
    assert set(ranges) == set(tensor_names(path)) == set(tensors)
    for name, tensor in tensors.items():
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        assert data[ranges[name].begin : ranges[name].end] == raw


def test_only_the_bytes_of_the_tensor_change(shard):
    path, tensors = shard
    before, where = path.read_bytes(), byte_ranges(path)["b"]
    new = torch.tensor([9, 8, 7, 6], dtype=torch.bfloat16)
    overwrite_(path, {"b": new})
    after = path.read_bytes()
    assert after[: where.begin] + after[where.end :] == before[: where.begin] + before[where.end :]
    assert torch.equal(load_file(path)["b"], new)
    overwrite_(path, {"b": tensors["b"]})
    assert path.read_bytes() == before


def test_transposed_tensors_are_written_as_they_read(shard):
    path, _ = shard
    new = torch.arange(6.0).reshape(3, 2).T
    overwrite_(path, {"a": new})
    assert torch.equal(load_file(path)["a"], new)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"d": torch.ones(1)}, "no tensor 'd'"),
        ({"a": torch.ones(3, 2)}, r"the new one is.*\(3, 2\)"),
        ({"a": torch.ones(2, 3).half()}, "float16"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(shard, bad, reason):
    path, _ = shard
    before = path.read_bytes()
    with pytest.raises(BadDataError, match=reason):
        overwrite_(path, {"b": torch.zeros(4, dtype=torch.bfloat16), **bad})
    assert path.read_bytes() == before


def test_damaged_files_are_named(shard):
    path, _ = shard
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadDataError, match=r"x\.safetensors' is not a safetensors file or is cut short"):
        byte_ranges(path)


def test_tensors_of_several_files_are_one_mapping(shard, tmp_path):
    path, tensors = shard
    save_file({"z": torch.ones(2)}, tmp_path / "y.safetensors")
    files = TensorFiles({"a": path, "z": tmp_path / "y.safetensors"})
    assert list(files) == ["a", "z"]
    assert len(files) == 2
    assert "b" not in files
    assert torch.equal(files["a"], tensors["a"])
