"""Pictures with what a model says about them, before and after a patch, as one image."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

_SIDE, _GAP, _LINE, _COLUMNS = 96, 14, 18, 10  # pixels, and pictures in a row
_PAPER, _INK, _WRONG = "#ffffff", "#1f2328", "#cf222e"


def picture_sheet(
    images: Tensor, *lines: tuple[Sequence[str], Sequence[str]], columns: int = _COLUMNS
) -> Image.Image:
    """Each picture with lines of text below; what is said and not right is red.

    Args:
        images: N pictures, pixels 0 to 255, ``(N, 3, H, W)``, uint8.
        lines: Per line what is said of each picture, and what would be right.
        columns: Pictures in a row.
    """
    high, wide = _SIDE + _LINE * len(lines) + _GAP, _SIDE + _GAP
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * wide + _GAP, rows * high + _GAP), _PAPER)
    canvas: Any = ImageDraw.Draw(sheet)
    for number, image in enumerate(images):
        left, top = _GAP + number % columns * wide, _GAP + number // columns * high
        sheet.paste(_picture(image), (left, top))
        for line, (said, right) in enumerate(lines):
            ink = _INK if said[number] == right[number] else _WRONG
            place = (left + _SIDE // 2, top + _SIDE + 4 + line * _LINE)
            canvas.text(place, said[number], fill=ink, font=_font(), anchor="ma")
    return sheet


def _picture(image: Tensor) -> Image.Image:
    pixels = image.permute(1, 2, 0).contiguous().numpy()
    return Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)


@cache
def _font() -> ImageFont.FreeTypeFont:
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(fonts / "DejaVuSans.ttf"), 13)
