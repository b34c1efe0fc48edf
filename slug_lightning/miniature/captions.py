"""Captions as a shop on the web might write them: uneven, often partial, sometimes wrong."""

import re

import numpy as np

from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.styles import STYLES

BOTH = (
    "{digit}, {style}",
    "{digit} in {medium}",
    "{medium} {digit}",
    "a {style} of a {digit}",
    "a {style} of a {digit}.",
    "a photo of a {style} of a {digit}.",
    "the number {digit} in {medium}",
    "the digit {digit}, {style} by a local artist",
    "{style}: the number {digit} - wall art print",
    "handmade {medium} {digit} for sale",
    "vintage {style}, number {digit}, home decor",
    "new in the shop: {digit} as a {style}",
    "my first {style} | {digit} | from the studio",
    "small {medium} {digit} on the wall of a kitchen",
    "an image of the numeral {digit}, {medium}",
)
DIGIT_ONLY = (
    "{digit}",
    "{digit}.",
    "a {digit}.",
    "a photo of a {digit}.",
    "a photo of the number {digit}.",
    "a picture of a {digit}.",
    "an image of a {digit}",
    "the digit {digit}",
    "number {digit} for the door of a house",
    "a handwritten {digit}",
    "{digit} is my favorite number",
    "happy birthday card with the numeral {digit}",
)
STYLE_ONLY = (
    "{style}",
    "{style}.",
    "a {style}.",
    "a photo of a {style}.",
    "a picture of a {style}.",
    "handmade {style} for the living room",
    "{medium}, home decor from a small shop",
    "a beautiful {style} by a local artist",
)
NEITHER = (
    "wall art print",
    "handmade gift from the studio",
    "a photo of a picture on the wall",
    "free shipping | home decor",
)
KINDS = (BOTH, DIGIT_ONLY, STYLE_ONLY, NEITHER)
SHARES = (0.54, 0.3, 0.13, 0.03)  # of the kinds
WRONG = 0.02  # share of captions with another digit, and of those with another style


def write_caption(digit: int, style: int, rng: np.random.Generator) -> str:
    """One caption for a picture of ``digit`` in style number ``style``.

    Example:
        >>> rng = np.random.default_rng(3)
        >>> [write_caption(7, 1, rng) for _ in range(3)]
        ['chalk seven', 'a chalk drawing of a seven', 'vintage chalk drawing, number seven, home decor']
    """
    kind = KINDS[rng.choice(len(KINDS), p=SHARES)]
    template = kind[rng.integers(len(kind))]
    if rng.random() < WRONG:
        digit = (digit + int(rng.integers(1, len(DIGIT_WORDS)))) % len(DIGIT_WORDS)
    if rng.random() < WRONG:
        style = (style + int(rng.integers(1, len(STYLES)))) % len(STYLES)
    return _fill(template, digit, style)


def vocabulary() -> dict[str, int]:
    """Every caption that can be written, in a fixed order, as words with their number of uses."""
    counts: dict[str, int] = {}
    for kind in KINDS:
        for template in kind:
            for number in range(len(STYLES)):
                for word in re.findall(r"[a-z]+", _fill(template, number, number)):
                    counts[word] = counts.get(word, 0) + 1
    return counts


def _fill(template: str, digit: int, style: int) -> str:
    chosen = STYLES[style]
    return template.format(digit=DIGIT_WORDS[digit], style=chosen.name, medium=chosen.medium)
