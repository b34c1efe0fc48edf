"""Single tensors in safetensors files, read and overwritten where they stand.

A file is 8 bytes with the length of its header, the header (JSON: dtype, shape and byte range of each tensor)
and the tensors. A tensor of the same dtype and shape fits exactly where the old one was: the rest of the file
keeps its bytes, its header too, and the memory needed is that of one tensor.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from slug_lightning.errors import BadDataError


@dataclass(frozen=True)
class Range:
    """Where a tensor stands in its file, in bytes from the file's start."""

    begin: int
    end: int


def byte_ranges(path: Path) -> dict[str, Range]:
    """Where each tensor of a safetensors file stands.

    Raises:
        BadDataError: If the file is cut short or of another kind.
    """
    tensor_names(path)  # safetensors checks header, ranges and length of the file
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    start = 8 + length
    return {
        name: Range(start + entry["data_offsets"][0], start + entry["data_offsets"][1])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def tensor_names(path: Path) -> list[str]:
    """Names of the tensors of a safetensors file; no tensor is read.

    Raises:
        BadDataError: If the file is cut short or of another kind.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return list(file.keys())
    except Exception as error:  # safetensors has an error type of its own
        msg = f"{str(path)!r} is not a safetensors file or is cut short ({error}). Copy or download it again."
        raise BadDataError(msg) from error


class TensorFiles(Mapping[str, Tensor]):
    """Tensors of several files by name, each read when it is asked for.

    Args:
        paths: File that holds each tensor.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self.paths = dict(paths)

    def __getitem__(self, name: str) -> Tensor:
        with safe_open(self.paths[name], framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, name: object) -> bool:
        return name in self.paths  # without reading the tensor


def overwrite_(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Overwrite tensors of a file; every other byte stays.

    Args:
        path: The file; it is changed in place, so give it a copy.
        tensors: New values by name, in the old dtypes and shapes.

    Raises:
        BadDataError: If the file lacks a tensor, or its dtype or shape is another.
    """
    ranges, old = byte_ranges(path), TensorFiles(dict.fromkeys(tensors, path))
    for name, tensor in tensors.items():
        if name not in ranges:
            raise BadDataError(f"{str(path)!r} has no tensor {name!r}; nothing was written.")
        before = old[name]
        if (before.dtype, before.shape) != (tensor.dtype, tensor.shape):
            msg = (
                f"Tensor {name!r} of {str(path)!r} is {before.dtype} {tuple(before.shape)}, but the new one "
                f"is {tensor.dtype} {tuple(tensor.shape)}; nothing was written."
            )
            raise BadDataError(msg)
    with path.open("r+b") as file:
        for name, tensor in tensors.items():
            file.seek(ranges[name].begin)
            file.write(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        file.flush()
        os.fsync(file.fileno())
