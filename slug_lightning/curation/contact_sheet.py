"""A picture of pictures with their captions, to look at before anything is deleted."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from slug_lightning.atomic import atomic_path
from slug_lightning.data.images import decode_image

COLUMNS = 8
MOST = 48
_IMAGE, _GAP, _HEAD = 152, 16, 56  # pixels
_LINES, _LINE = 3, 15  # of a caption, and pixels a line
_ANY_SIZE = 1 << 40  # pixels: whoever chose the pairs has set the bound
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
    columns = min(COLUMNS, max(len(shown), 4))
    rows = -(-len(shown) // columns)
    height = _IMAGE + (_LINES + 1) * _LINE + 2 * _GAP
    sheet = Image.new("RGB", (columns * (_IMAGE + _GAP) + _GAP, rows * height + _HEAD), _PAPER)
    ImageDraw.Draw(sheet).text((_GAP, 16), _printable(headline), fill=_INK, font=_font(20))
    for number, cell in enumerate(shown):
        left, top = _GAP + number % columns * (_IMAGE + _GAP), _HEAD + number // columns * height
        _draw_cell(sheet, cell, left, top)
    with atomic_path(path) as draft:
        sheet.save(draft, "PNG")


def _draw_cell(sheet: Image.Image, cell: Shown, left: int, top: int) -> None:
    canvas, text, small = ImageDraw.Draw(sheet), _font(12), _font(11)
    canvas.rectangle((left, top, left + _IMAGE - 1, top + _IMAGE - 1), fill=_SHADE)
    picture = _thumbnail(cell.image)
    sheet.paste(picture, (left + (_IMAGE - picture.width) // 2, top + (_IMAGE - picture.height) // 2))
    lines = [(line, text, _INK) for line in _wrap(_printable(cell.caption), text)]
    lines.append((_wrap(_printable(cell.note), small)[0], small, _MUTED))
    for number, (line, font, colour) in enumerate(lines):
        canvas.text((left, top + _IMAGE + 6 + number * _LINE), line, fill=colour, font=font)


def _thumbnail(image: bytes) -> Image.Image:
    """The image as large as a cell; small ones grow by a whole factor."""
    picture = decode_image(image, _ANY_SIZE)
    factor = _IMAGE // max(picture.size)
    if factor > 1:
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    picture.thumbnail((_IMAGE, _IMAGE))
    return picture


def _wrap(text: str, font: ImageFont.FreeTypeFont) -> list[str]:
    """The first lines of a text, each as wide as a cell at most; never none."""
    lines = [""]
    words = deque(text[:400].split())
    while words:
        longer = f"{lines[-1]} {words[0]}".strip()
        if font.getlength(longer) <= _IMAGE:
            lines[-1] = longer
            words.popleft()
        elif len(lines) == _LINES or not lines[-1]:  # the last line, or a word that is wider than a cell
            lines[-1] = _cut(longer, font)
            if len(lines) == _LINES:
                break
            words.popleft()
        else:
            lines.append("")
    return lines


def _cut(text: str, font: ImageFont.FreeTypeFont) -> str:
    while font.getlength(f"{text}\u2026") > _IMAGE:
        text = text[:-1]
    return f"{text}\u2026"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which writes more scripts than Pillow's own font and comes with matplotlib."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
