"""Hashes of weights: a patch is only applied to the weights it was computed on."""

import hashlib

import torch
from torch import Tensor, nn

from slug_lightning.models.layers import TowerName, tower_of


def tensor_digest(tensor: Tensor) -> str:
    """SHA-256 over dtype, shape and bytes of a tensor, as hex.

    Example:
        >>> tensor_digest(torch.zeros(2)) == tensor_digest(torch.zeros(2))
        True
        >>> tensor_digest(torch.zeros(2)) == tensor_digest(torch.zeros(2, 1))
        False
    """
    data = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{data.dtype} {tuple(data.shape)} ".encode())
    digest.update(data.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def tower_digest(model: nn.Module, tower: TowerName) -> str:
    """SHA-256 over names and digests of all parameters of a tower, sorted by name, as hex."""
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        if tower_of(name) == tower:
            digest.update(f"{name} {tensor_digest(parameter)}\n".encode())
    return digest.hexdigest()
