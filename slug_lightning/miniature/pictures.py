"""Drawn scans as encoded images, each with its digit and style."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from slug_lightning.miniature.rendering import place
from slug_lightning.miniature.scans import Scans
from slug_lightning.miniature.styles import STYLES


@dataclass(frozen=True)
class Picture:
    """One drawn scan.

    Attributes:
        jpeg: The image, 32x32, encoded.
        digit: ``0..9``.
        style: Position in ``STYLES``.
        scan: Number of the scan in the data set of scikit-learn.
    """

    jpeg: bytes
    digit: int
    style: int
    scan: int


def draw(scans: Scans, styles: NDArray[np.int64], rng: np.random.Generator) -> list[Picture]:
    """Draw ``scans[i]`` in style number ``styles[i]``, in that order.

    Args:
        scans: N scans.
        styles: N positions in ``STYLES``.
        rng: Source of all variation.

    Returns:
        N pictures.
    """
    pictures: dict[int, Picture] = {}
    for style, chosen in enumerate(STYLES):
        wanted = np.flatnonzero(styles == style)
        if not len(wanted):
            continue
        some = scans.take(wanted)
        drawn = chosen.draw(place(some.images, rng), rng)
        pixels = (np.clip(drawn, 0, 1) * 255).round().astype(np.uint8)
        for row, digit, scan, image in zip(
            wanted.tolist(), some.labels.tolist(), some.numbers.tolist(), pixels, strict=True
        ):
            pictures[row] = Picture(_encode(image), digit, style, scan)
    return [pictures[row] for row in range(len(scans))]


def draw_all_styles(scans: Scans, rng: np.random.Generator) -> list[Picture]:
    """Draw every scan in every style, in random order."""
    rows = np.repeat(np.arange(len(scans)), len(STYLES))
    styles = np.tile(np.arange(len(STYLES)), len(scans))
    order = rng.permutation(len(rows))
    return draw(scans.take(rows[order]), styles[order], rng)


def draw_balanced(scans: Scans, times: int, first: int, rng: np.random.Generator) -> list[Picture]:
    """Draw every scan in ``times`` styles that follow each other, so that styles are balanced.

    Args:
        scans: Scans ordered by digit, so that styles are balanced per digit, too.
        times: Styles per scan.
        first: Style of the first picture; another one pairs scans and styles differently.
        rng: Source of all variation.
    """
    rows = np.repeat(np.arange(len(scans)), times)
    return draw(scans.take(rows), (first + np.arange(len(rows))) % len(STYLES), rng)


def _encode(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()
