"""Random changes to batches of training images: turn, size, shift, colour, noise."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def augment(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """Change every image a little, each in its own way.

    Args:
        images: Pixels in ``[0, 1]``, shape ``(B, 3, H, W)``.
        generator: Source of the changes.
        strength: Scale of the changes; 0 returns the images up to resampling.

    Returns:
        Pixels in ``[0, 1]``, same shape.
    """
    return _recolour(_move(images, generator, strength), generator, strength)


def _move(images: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Turn by up to 8 degrees, scale by up to 10 %, slant, shift by up to 1.5 of 32 pixels."""
    count = len(images)
    draw = (torch.rand(count, 6, generator=generator) * 2 - 1) * strength
    turn = draw[:, 0] * math.radians(8)
    down, right = 1 + 0.1 * draw[:, 1], 1 + 0.1 * draw[:, 2]
    slant = 0.1 * draw[:, 3]
    cos, sin = turn.cos(), turn.sin()
    top = torch.stack([cos * right, (slant - sin) * right, 0.094 * draw[:, 4]], dim=1)
    bottom = torch.stack([sin * down, cos * down, 0.094 * draw[:, 5]], dim=1)
    grid = F.affine_grid(torch.stack([top, bottom], dim=1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _recolour(images: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Change brightness, contrast and tint, and add noise."""
    count = len(images)
    draw = (torch.rand(count, 5, 1, 1, generator=generator) * 2 - 1) * strength
    grey = images.mean(dim=(1, 2, 3), keepdim=True)
    changed = grey + (images - grey) * (1 + 0.25 * draw[:, :1])
    changed = changed + 0.1 * draw[:, 1:2] + 0.05 * draw[:, 2:5]
    noise = torch.randn(images.shape, generator=generator) * 0.03 * strength
    return (changed + noise).clamp(0, 1)
