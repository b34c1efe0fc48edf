"""What a patch's header says of the tower it was made on, so that a host can be checked without that tower.

A host in another library holds some of the tower's layers, maybe in half precision, under other names. The
header describes each layer by a short digest of its float32 bytes and a few of its values: a float32 host is
checked by digest, any other by value, within the rounding of its dtype.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from slug_lightning.hosts.activation import activation_of
from slug_lightning.hosts.spelling import plain_name
from slug_lightning.models import tensor_digest, tower_of
from slug_lightning.models.layers import TowerName

KEY = "base_tower"
SAMPLES, DIGEST = 4, 16


def sample_values(weight: Tensor, count: int = 64) -> list[float]:
    """Up to ``count`` evenly spaced entries, first and last among them, exact in float32."""
    flat = weight.detach().flatten()
    index = torch.linspace(0, len(flat) - 1, min(count, len(flat)), dtype=torch.float64).long()
    return [float(value) for value in flat[index.to(flat.device)].float().cpu()]


def describe_tower(model: nn.Module, tower: TowerName) -> str:
    """Header entry: activation of a tower, and digest and values of each of its layers, as JSON."""
    layers = {
        plain_name(name): [tensor_digest(weight)[:DIGEST], *sample_values(weight, SAMPLES)]
        for name, weight in model.named_parameters()
        if tower_of(name) == tower
    }
    return json.dumps({"activation": activation_of(model, tower), "layers": layers}, separators=(",", ":"))


def read_description(header: Mapping[str, str]) -> dict[str, Any] | None:
    """What ``describe_tower`` wrote; ``None`` for a patch of an older version, which does not have it."""
    return json.loads(header[KEY]) if KEY in header else None


def differing(weights: Iterable[tuple[str, Tensor]], described: Mapping[str, Sequence[Any]]) -> list[str]:
    """Names of the weights that are not the described ones; unknown names are among them.

    Args:
        weights: Canonical names and weights in canonical shape; read one by one.
        described: Digest and values by name.
    """
    names = []
    for name, weight in weights:
        entry = described.get(plain_name(name))
        if entry is None or not matches(weight, entry[0], entry[1:]):
            names.append(name)
    return names


def matches(weight: Tensor, digest: str, samples: Sequence[float]) -> bool:
    """Whether a weight has this digest (its start) or, below float32, these values within its rounding."""
    if weight.dtype == torch.float32 and tensor_digest(weight).startswith(digest):
        return True
    precision = precision_of(weight)
    return precision != torch.float32 and close(sample_values(weight, len(samples)), samples, precision)


def precision_of(weight: Tensor) -> torch.dtype:
    """The dtype that a weight has passed through: half-precision files are often loaded as float32.

    Example:
        >>> precision_of(torch.tensor([0.5])), precision_of(torch.tensor([0.1]))
        (torch.bfloat16, torch.float32)
    """
    if weight.dtype == torch.float64:
        return torch.float32
    for dtype in (torch.bfloat16, torch.float16):  # the coarser first: float16 holds most of bfloat16
        if weight.dtype in (torch.float32, torch.float16) and torch.equal(
            weight.to(dtype).to(weight.dtype), weight
        ):
            return dtype
    return weight.dtype


def close(values: Sequence[float], expected: Sequence[float], dtype: torch.dtype) -> bool:
    """Equal within one rounding to ``dtype``; subnormals within its smallest normal number."""
    info = torch.finfo(dtype)
    return len(values) == len(expected) and all(
        abs(a - b) <= info.eps * abs(b) + info.smallest_normal for a, b in zip(values, expected, strict=True)
    )
