"""Ten drawing styles: each turns strokes into colour pictures with a ground and a hand of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from slug_lightning.miniature.rendering import SIDE, Canvas, stroke
from slug_lightning.miniature.textures import Picture, colour, edge, lay, lines, noise, relief, shade

Generator = np.random.Generator


@dataclass(frozen=True)
class Style:
    """One way to draw.

    Attributes:
        name: What a picture of it is called, the class name: ``"chalk drawing"``.
        medium: Shorter, for captions such as ``"a seven in chalk"``.
        draw: From ink height ``(N, 32, 32)`` to colour ``(N, 32, 32, 3)`` in ``[0, 1]``.
    """

    name: str
    medium: str
    draw: Callable[[Canvas, Generator], Picture]


def _ink(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    paper = shade(colour(rng, n, (0.95, 0.92, 0.84), 0.03), 0.015 * noise(rng, n, 0.7))
    bleed = stroke(height + 0.03 * noise(rng, n, 0.8), edge(rng, n), 16)
    pen = shade(colour(rng, n, (0.08, 0.09, 0.2), 0.05), 0.04 * noise(rng, n, 2))
    return lay(paper, pen, bleed)


def _chalk(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    smear = 0.035 * noise(rng, n, (1, 6)) + 0.03
    board = shade(colour(rng, n, (0.11, 0.27, 0.2), 0.03), smear)
    grain = np.clip(0.9 + 0.28 * noise(rng, n, 0.5), 0, 1)
    dusty = stroke(height + 0.045 * noise(rng, n, 0.5), edge(rng, n, 0.42), 11) * grain
    return lay(board, colour(rng, n, (0.95, 0.95, 0.88), 0.05), dusty)


def _neon(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    wall = shade(colour(rng, n, (0.07, 0.04, 0.1), 0.02), 0.01 * noise(rng, n, 1))
    palette = np.array([(1.0, 0.12, 0.6), (0.1, 0.85, 1.0), (0.65, 0.2, 1.0)], np.float32)
    gas = palette[rng.integers(0, len(palette), n)][:, None, None]
    tube = stroke(height, edge(rng, n, 0.45), 12)
    glow = gaussian_filter(tube, sigma=(0, 2.2, 2.2))
    core = stroke(height, 0.75, 14)
    lit = wall + gas * np.clip(1.1 * glow, 0, 0.8)[..., None]
    return lay(lay(lit, gas, tube), np.ones(3, np.float32), 0.85 * core)


def _blueprint(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    sheet = shade(colour(rng, n, (0.08, 0.27, 0.62), 0.03), 0.012 * noise(rng, n, 3))
    down, right = lines(n, 6, rng)
    grid = shade(sheet, np.float32(0.11) * np.maximum(down, right))
    rim = edge(rng, n, 0.42)
    outline = np.exp(-(((height - rim) / 0.16) ** 2)).astype(np.float32)
    hatch = stroke(height, rim) * ((np.indices((SIDE, SIDE)).sum(0) % 4) == 0)
    white = colour(rng, n, (0.92, 0.96, 1.0), 0.02)
    return lay(lay(grid, white, 0.45 * hatch.astype(np.float32)), white, outline)


def _watercolor(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    paper = shade(colour(rng, n, (0.97, 0.97, 0.96), 0.02), 0.012 * noise(rng, n, 0.6))
    hue = rng.uniform(0, 1, (n, 1, 1)) + 0.12 * noise(rng, n, 5)
    wheel = 0.5 + 0.5 * np.cos(2 * np.pi * (hue[..., None] + np.array([0, 0.33, 0.67])))
    wash = (0.12 + 0.78 * wheel).astype(np.float32)
    wet = gaussian_filter(height, sigma=(0, 0.7, 0.7)) + 0.05 * noise(rng, n, 1.5)
    cover = stroke(wet, edge(rng, n, 0.34), 9) * np.clip(0.72 + 0.12 * noise(rng, n, 2.5), 0, 1)
    halo = np.clip(gaussian_filter(cover, sigma=(0, 3, 3)), 0, 1)
    return lay(lay(paper, wash, 0.3 * halo), wash, cover)


def _mosaic(height: Canvas, rng: Generator) -> Picture:
    n, tile = len(height), 4
    first = rng.integers(0, tile, 2)
    place = [(np.arange(SIDE) + int(offset)) // tile for offset in first]
    joint = [((np.arange(SIDE) + int(offset)) % tile == 0) for offset in first]
    many = SIDE // tile + 1
    tint = rng.standard_normal((n, many, many, 3), dtype=np.float32)
    tint = tint[:, place[0]][:, :, place[1]]
    stone = colour(rng, n, (0.16, 0.52, 0.56), 0.04) + 0.05 * tint
    fired = colour(rng, n, (0.93, 0.48, 0.16), 0.05) + 0.06 * tint
    grout = np.maximum(*np.meshgrid(joint[0], joint[1], indexing="ij")).astype(np.float32)
    tiles = lay(stone, fired, stroke(height, edge(rng, n, 0.38), 18))
    return lay(tiles, np.full(3, 0.86, np.float32), 0.75 * grout[None] * np.ones((n, 1, 1), np.float32))


def _woodcut(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    rings = np.sin(2.2 * noise(rng, n, (9, 1.2)) + np.linspace(0, 5, SIDE, dtype=np.float32))
    board = shade(colour(rng, n, (0.7, 0.48, 0.28), 0.04), 0.07 * rings)
    groove = stroke(height, edge(rng, n, 0.42), 16)
    burnt = colour(rng, n, (0.22, 0.11, 0.05), 0.03)
    return shade(lay(board, burnt, 0.92 * groove), -0.16 * relief(height, 0.6))


def _embroidery(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    down, right = np.indices((SIDE, SIDE))
    weave = np.where((down // 2 + right // 2) % 2 == 0, 0.03, -0.03).astype(np.float32)
    linen = shade(colour(rng, n, (0.86, 0.81, 0.77), 0.03), weave + 0.02 * noise(rng, n, 0.6))
    phase = rng.integers(0, 3, (n, 1, 1))
    stitch = np.where((down + right + phase) % 3 == 0, -0.26, 0.06).astype(np.float32)
    thread = shade(colour(rng, n, (0.76, 0.08, 0.16), 0.05), stitch)
    return lay(linen, thread, stroke(height, edge(rng, n, 0.4), 18))


def _gold(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    velvet = shade(colour(rng, n, (0.3, 0.04, 0.12), 0.03), 0.018 * noise(rng, n, 0.8))
    leaf = stroke(height, edge(rng, n), 15)
    sheen = 0.45 * relief(height, 0.8) + 0.1 * noise(rng, n, 1.5)
    return lay(velvet, shade(colour(rng, n, (0.9, 0.7, 0.24), 0.04), sheen), leaf)


def _sand(height: Canvas, rng: Generator) -> Picture:
    n = len(height)
    ripple = 0.02 * noise(rng, n, (1, 5)) + 0.045 * noise(rng, n, 0.4)
    beach = shade(colour(rng, n, (0.84, 0.72, 0.5), 0.04), ripple)
    groove = stroke(height, edge(rng, n), 10)
    return shade(shade(beach, -0.2 * groove), -0.42 * relief(groove, 0.5))


STYLES: tuple[Style, ...] = (
    Style("ink drawing", "ink", _ink),
    Style("chalk drawing", "chalk", _chalk),
    Style("neon sign", "neon", _neon),
    Style("blueprint", "blueprint", _blueprint),
    Style("watercolor", "watercolor", _watercolor),
    Style("mosaic", "mosaic", _mosaic),
    Style("woodcut", "wood", _woodcut),
    Style("embroidery", "embroidery", _embroidery),
    Style("gold leaf", "gold", _gold),
    Style("sand drawing", "sand", _sand),
)
