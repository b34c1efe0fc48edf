"""A labelled picture of a grid of generated images: digits downwards, styles across."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from slug_lightning.atomic import atomic_path
from slug_lightning.miniature.layouts import names_of

_CELL, _GAP, _LEFT, _HEAD, _TOP = 64, 4, 76, 34, 40  # pixels
_INK, _MUTED, _PAPER, _MARK = "#1f2328", "#59636e", "#ffffff", "#cf222e"
_BETWEEN = 28


def draw_grids(
    panels: Sequence[tuple[str, Tensor]], path: Path, missed: Sequence[Tensor] | None = None
) -> None:
    """Write grids beside each other as a PNG.

    Args:
        panels: A title and images ``(10 digits, 10 styles, 3, 32, 32)`` in ``[0, 1]`` each.
        path: The file to write.
        missed: For each panel which images get a red frame, bool ``(10, 10)``.
    """
    side = 10 * (_CELL + _GAP)
    width = _LEFT + len(panels) * (side + _BETWEEN)
    sheet = Image.new("RGB", (width, _HEAD + _TOP + side + _GAP), _PAPER)
    _name_rows(sheet)
    for number, (title, images) in enumerate(panels):
        left = _LEFT + number * (side + _BETWEEN)
        frames = None if missed is None else missed[number]
        _draw_panel(sheet, left, title, images, frames)
    with atomic_path(path) as draft:
        sheet.save(draft, "PNG")


def _name_rows(sheet: Image.Image) -> None:
    canvas = ImageDraw.Draw(sheet)
    for digit, name in enumerate(names_of("digits")):
        top = _HEAD + _TOP + digit * (_CELL + _GAP) + _CELL // 2
        canvas.text((_LEFT - 10, top), name, fill=_INK, font=_font(15), anchor="rm")


def _draw_panel(sheet: Image.Image, left: int, title: str, images: Tensor, frames: Tensor | None) -> None:
    canvas = ImageDraw.Draw(sheet)
    canvas.text((left, 8), title, fill=_INK, font=_font(17))
    for style, name in enumerate(names_of("styles")):
        middle = left + style * (_CELL + _GAP) + _CELL // 2
        lines = name.replace(" ", "\n")
        canvas.multiline_text((middle, _HEAD + _TOP - 8), lines, fill=_MUTED, font=_font(11), anchor="md",
                              align="center")  # fmt: skip
    for digit in range(10):
        for style in range(10):
            corner = (left + style * (_CELL + _GAP), _HEAD + _TOP + digit * (_CELL + _GAP))
            sheet.paste(_picture(images[digit, style]), corner)
            if frames is not None and bool(frames[digit, style]):
                box = (corner[0] - 2, corner[1] - 2, corner[0] + _CELL + 1, corner[1] + _CELL + 1)
                canvas.rectangle(box, outline=_MARK, width=2)


def _picture(image: Tensor) -> Image.Image:
    pixels = (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(pixels).resize((_CELL, _CELL), Image.Resampling.NEAREST)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(fonts / "DejaVuSans.ttf"), size)
