"""Tensors that are done with for now, kept where they take no memory that computing needs."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def set_aside(tensors: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """The same float32 values: those of an accelerator on the CPU, those of the CPU mapped from a file.

    The file is a temporary one, as large as the tensors, and goes with them; where the system can, it never
    has a name. Reading a mapped tensor brings its pages back; writing to it changes memory alone.

    Args:
        tensors: By name; all on one device.
        folder: Where the file may be; made if it is not there.

    Returns:
        By name, on the CPU, writable.
    """
    if any(tensor.device.type != "cpu" for tensor in tensors.values()):
        return {name: tensor.cpu() for name, tensor in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Tensor] = {}
    with tempfile.TemporaryFile(dir=folder) as file:
        for tensor in tensors.values():
            tensor.detach().contiguous().numpy().tofile(file)
        start = 0
        for name, tensor in tensors.items():
            mapped = np.memmap(file, np.float32, mode="c", offset=start, shape=tuple(tensor.shape))
            kept[name] = torch.from_numpy(mapped)
            start += tensor.numel() * tensor.element_size()
    return kept
