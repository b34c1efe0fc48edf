"""A picture of pictures with their captions, to look at before anything is deleted."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from slug_lightning.atomic import atomic_path
from slug_lightning.data.images import decode_image

COLUMNS = 8
MOST = 48
_CELL, _IMAGE, _GAP, _LINES = 168, 152, 10, 3
_INK, _MUTED, _PAPER, _SHADE = "#1f2328", "#59636e", "#ffffff", "#f3f4f6"


@dataclass(frozen=True)
class Shown:
    """One cell: encoded image, caption, and a short note under it."""

    image: bytes
    caption: str
    note: str


def pick(count: int, most: int = MOST) -> list[int]:
    """Numbers of the pairs to show: all, or evenly spaced from the first to the last.

    Example:
        >>> pick(10, most=4), pick(2)
        ([0, 3, 6, 9], [0, 1])
    """
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def draw_sheet(shown: Sequence[Shown], headline: str, path: Path) -> None:
    """Write a PNG with the images in rows of eight.

    Args:
        shown: What to show, at least one.
        headline: Written above.
        path: The file to write.
    """
    title, text, small = _font(20), _font(12), _font(11)
    columns = min(COLUMNS, max(len(shown), 4))
    rows = -(-len(shown) // columns)
    height = _IMAGE + (_LINES + 1) * 15 + 2 * _GAP
    sheet = Image.new("RGB", (columns * _CELL + 2 * _GAP, rows * height + 56), _PAPER)
    canvas = ImageDraw.Draw(sheet)
    canvas.text((_GAP + 8, 18), headline, fill=_INK, font=title)
    for number, cell in enumerate(shown):
        left = _GAP + number % columns * _CELL + 8
        top = 56 + number // columns * height
        canvas.rectangle((left, top, left + _IMAGE, top + _IMAGE), fill=_SHADE)
        picture = _thumbnail(cell.image)
        sheet.paste(picture, (left + (_IMAGE - picture.width) // 2, top + (_IMAGE - picture.height) // 2))
        caption = textwrap.wrap(_printable(cell.caption), 24, max_lines=_LINES, placeholder=" \u2026")
        canvas.text((left, top + _IMAGE + 6), "\n".join(caption), fill=_INK, font=text, spacing=2)
        below = top + _IMAGE + 8 + _LINES * 15
        canvas.text((left, below), _printable(cell.note)[:26], fill=_MUTED, font=small)
    with atomic_path(path) as draft:
        sheet.save(draft, "PNG")


def _thumbnail(image: bytes) -> Image.Image:
    picture = decode_image(image)
    picture.thumbnail((_IMAGE, _IMAGE))
    return picture


def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which writes more scripts than Pillow's own font and comes with matplotlib."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
