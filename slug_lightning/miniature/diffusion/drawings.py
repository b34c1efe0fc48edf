"""Drawn scans as tensors with both of their labels: what the networks of this package learn from."""

import io
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from slug_lightning.miniature.pictures import draw_all_styles
from slug_lightning.miniature.recipe import WorldRecipe
from slug_lightning.miniature.scans import Part, load_scans


@dataclass(frozen=True)
class Drawings:
    """Pictures with digit and style.

    Attributes:
        images: Pixels ``0..255``, shape ``(N, 3, 32, 32)``, uint8.
        digits: ``0..9``, shape ``(N,)``.
        styles: Positions in ``STYLES``, shape ``(N,)``.
        scans: Number of each scan in the data set of scikit-learn, shape ``(N,)``.
    """

    images: Tensor
    digits: Tensor
    styles: Tensor
    scans: Tensor

    def __len__(self) -> int:
        return len(self.digits)

    def pixels(self, rows: Tensor) -> Tensor:
        """Some of the images in ``[0, 1]``, float32."""
        return self.images[rows].float() / 255

    def take(self, rows: Tensor | slice) -> "Drawings":
        """Only the pictures at these positions."""
        return Drawings(self.images[rows], self.digits[rows], self.styles[rows], self.scans[rows])


def joined(*parts: Drawings) -> Drawings:
    """All pictures of some parts, one part after the other."""
    fields = zip(*((part.images, part.digits, part.styles, part.scans) for part in parts), strict=True)
    return Drawings(*(torch.cat(tensors) for tensors in fields))


def draw_part(part: Part, times: int = 1, seed: int = 0, limit: int | None = None) -> Drawings:
    """Draw every scan of a part of the miniature world in every style.

    Args:
        part: The same parts as in the world: ``train`` scans are none of ``final``.
        times: How often each scan is drawn in each style, each time in another hand.
        seed: Seed of the hands; none of them is the world's own.
        limit: Draw only so many scans of the part, evenly spaced.
    """
    recipe = WorldRecipe()
    scans = load_scans(recipe.search_scans, recipe.final_scans, recipe.seed)[part]
    if limit is not None:
        scans = scans.take(np.linspace(0, len(scans) - 1, min(limit, len(scans))).astype(np.int64))
    rng = np.random.default_rng([seed, 41])
    drawn = [picture for _ in range(times) for picture in draw_all_styles(scans, rng)]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(picture.jpeg))) for picture in drawn])
    return Drawings(
        torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([picture.digit for picture in drawn]),
        torch.tensor([picture.style for picture in drawn]),
        torch.tensor([picture.scan for picture in drawn]),
    )
