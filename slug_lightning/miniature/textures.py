"""What drawing styles are made of: noise, colours, lines, light, layers of paint."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from slug_lightning.miniature.rendering import SIDE, Canvas

Picture = NDArray[np.float32]


def noise(rng: np.random.Generator, count: int, grain: float | tuple[float, float]) -> Canvas:
    """Smooth noise of unit spread; ``grain`` is its width in pixels (down, right)."""
    down, right = grain if isinstance(grain, tuple) else (grain, grain)
    white = rng.standard_normal((count, SIDE, SIDE), dtype=np.float32)
    smooth = gaussian_filter(white, sigma=(0, down, right), mode="wrap")
    unit: Canvas = smooth / smooth.std()
    return unit


def colour(rng: np.random.Generator, count: int, base: tuple[float, ...], spread: float = 0.04) -> Picture:
    """One colour per picture, near ``base``: shape ``(N, 1, 1, 3)``."""
    return (np.array(base) + rng.uniform(-spread, spread, (count, 1, 1, 3))).astype(np.float32)


def edge(rng: np.random.Generator, count: int, middle: float = 0.45, spread: float = 0.06) -> Canvas:
    """One rim height per picture: bolder and finer pens."""
    return rng.uniform(middle - spread, middle + spread, (count, 1, 1)).astype(np.float32)


def lay(ground: Picture, colour: Picture, cover: Canvas) -> Picture:
    """Paint ``colour`` over ``ground`` where ``cover`` is 1."""
    return ground + (colour - ground) * cover[..., None]


def shade(picture: Picture, light: Canvas) -> Picture:
    """Add ``light`` to all three channels."""
    return picture + light[..., None]


def lines(count: int, every: int, rng: np.random.Generator) -> tuple[Canvas, Canvas]:
    """Horizontal and vertical lines, one pixel wide, ``every`` pixels apart, randomly placed."""
    axis = np.arange(SIDE)
    first = rng.integers(0, every, (2, count, 1))
    down, right = ((axis[None] - first) % every == 0).astype(np.float32)
    return down[:, :, None] * np.ones(SIDE, np.float32), right[:, None] * np.ones((SIDE, 1), np.float32)


def relief(height: Canvas, softness: float) -> Canvas:
    """Light from the upper left on the height, in about ``[-1, 1]``."""
    smooth = gaussian_filter(height, sigma=(0, softness, softness))
    slope = np.gradient(smooth, axis=1) + np.gradient(smooth, axis=2)
    light: Canvas = np.clip(slope * 3, -1, 1).astype(np.float32)
    return light
