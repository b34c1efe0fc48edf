"""From an 8x8 scan to a smooth stroke on a 32x32 canvas."""

import numpy as np
from numpy.typing import NDArray

SIDE = 32  # canvas, pixels
CELLS = 8  # scan, cells

Canvas = NDArray[np.float32]


def place(scans: Canvas, rng: np.random.Generator, vary: float = 1.0) -> Canvas:
    """Draw each scan smoothly on the canvas, with a small random turn, size, slant and shift.

    Args:
        scans: Ink in ``[0, 1]``, shape ``(N, 8, 8)``.
        rng: Source of the variation.
        vary: Scale of the variation; 0 is none.

    Returns:
        Ink height in ``[0, 1]``, shape ``(N, 32, 32)``; about 0.5 is the stroke's edge.
    """
    count = len(scans)
    turn = vary * rng.uniform(-0.1, 0.1, count)  # radians
    size = 1 + vary * rng.uniform(-0.06, 0.06, (2, count))
    slant = vary * rng.uniform(-0.08, 0.08, count)
    shift = vary * rng.uniform(-1, 1, (2, count))  # pixels
    axis = np.arange(SIDE) - (SIDE - 1) / 2
    y, x = (grid.reshape(1, -1) for grid in np.meshgrid(axis, axis, indexing="ij"))
    y, x = y - shift[0][:, None], x - shift[1][:, None]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    down, right = cos * y - sin * x, sin * y + cos * x
    cell = 26 / CELLS  # a scan covers 26 of the 32 pixels
    middle = (CELLS - 1) / 2
    down = down / (cell * size[0][:, None]) + middle
    right = (right + slant[:, None] * y) / (cell * size[1][:, None]) + middle
    blocks = [slice(first, first + 16) for first in range(0, count, 16)]  # fits the cache
    height = np.concatenate([_resample(scans[b], down[b], right[b]) for b in blocks])
    canvas: Canvas = np.clip(height, 0, 1).reshape(count, SIDE, SIDE)
    return canvas


def stroke(height: Canvas, edge: float | Canvas = 0.45, sharpness: float = 14.0) -> Canvas:
    """Coverage of the stroke in ``[0, 1]``: where the height is over ``edge``, with a soft rim.

    Args:
        height: Ink height, shape ``(N, 32, 32)``.
        edge: Height of the rim; lower is bolder. A number, or shape ``(N, 1, 1)``.
        sharpness: Slope of the rim, per unit of height.
    """
    cover: Canvas = (1 / (1 + np.exp(-sharpness * (height - edge)))).astype(np.float32)
    return cover


def _resample(scans: Canvas, down: NDArray[np.float64], right: NDArray[np.float64]) -> Canvas:
    """Height at fractional cell positions of shape ``(N, pixels)``."""
    rows: Canvas = np.matmul(_kernel(down), scans)  # (N, pixels, 8): each pixel's mixture of rows
    height: Canvas = np.einsum("npc,npc->np", rows, _kernel(right))
    return height


def _kernel(position: NDArray[np.float64]) -> Canvas:
    """Weights of the 8 cells at fractional positions: Catmull-Rom, shape ``(N, pixels, 8)``."""
    far = np.abs(position.astype(np.float32)[..., None] - np.arange(CELLS, dtype=np.float32))
    near = (1.5 * far - 2.5) * far * far + 1
    rim = ((2.5 - 0.5 * far) * far - 4) * far + 2
    return np.where(far < 1, near, np.where(far < 2, rim, 0)).astype(np.float32)
