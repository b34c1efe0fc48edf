"""What a host did before and after the edit: two tables of images with the same rows and columns."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from slug_lightning.reports.evidence import HostCell, HostGrid
from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, fonts, new_figure, style_axes, write
from slug_lightning.reports.wording import shorten

_SIDE, _GAP = 96, 8  # pixels of a picture and of the space around it
_WIDTH, _LEFT, _BETWEEN, _RIGHT, _TOP, _NOTE = 8.0, 0.85, 0.14, 0.42, 1.2, 0.35  # inches
_LONGEST_NAME = 16
_MOST_WRITTEN = 5  # columns up to which the answers are written below the pictures


def host_figure(grid: HostGrid, concept: str, theme: Theme = LIGHT) -> Figure:
    """Both tables side by side; what the judge did not recognise has a frame, the concept's name is bold.

    Args:
        grid: The examples.
        concept: What was to be forgotten.
        theme: Colours.

    Returns:
        A figure 8 inches wide.
    """
    panel = (_WIDTH - _LEFT - _BETWEEN - _RIGHT) / 2
    written = len(grid.columns) <= _MOST_WRITTEN
    across, down = _SIDE + _GAP, _SIDE + _GAP + (24 if written else 0)
    tall = panel * len(grid.rows) * down / (len(grid.columns) * across)
    height = _TOP + tall + _NOTE
    figure = new_figure(_WIDTH, height, theme)
    for number, (title, cells) in enumerate((("before", grid.before), ("after", grid.after))):
        left = _LEFT + number * (panel + _BETWEEN)
        box = (left / _WIDTH, _NOTE / height, panel / _WIDTH, tall / height)
        axes = figure.add_axes(box)
        _draw_table(axes, grid, cells, (across, down), theme)
        _name_columns(axes, grid, concept, across, theme)
        _name_rows(axes, grid, concept, down, theme, visible=number == 0)
        write(figure, left / _WIDTH, 1 - 0.16 / height, title, theme.ink, size=10, bold=True)
        if written:
            _write_answers(axes, grid, cells, (across, down), theme)
    write(figure, 0.02, 0.13 / height, "frame: not recognised as what was asked for", theme.muted, size=8)
    return figure


def _draw_table(
    axes: Axes, grid: HostGrid, cells: Sequence[HostCell], size: tuple[int, int], theme: Theme
) -> None:
    across, down = size
    paper = np.array(to_rgb(theme.paper))
    sheet = np.ones((len(grid.rows) * down, len(grid.columns) * across, 3)) * paper
    style_axes(axes, theme, size=7)
    axes.grid(visible=False)
    axes.tick_params(length=0, pad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)
    frame: Style = {"fill": False, "edgecolor": theme.forget[0], "linewidth": 1.6}
    for cell in cells:
        top, left = grid.rows.index(cell.row) * down, grid.columns.index(cell.column) * across
        inner = (
            slice(top + _GAP // 2, top + _GAP // 2 + _SIDE),
            slice(left + _GAP // 2, left + _GAP // 2 + _SIDE),
        )
        sheet[inner] = picture(cell.image)
        if not cell.right:
            corner = (left + _GAP / 2 - 1.5, top + _GAP / 2 - 1.5)
            axes.add_patch(Rectangle(corner, _SIDE + 2, _SIDE + 2, **frame))
    axes.imshow(sheet, interpolation="antialiased", aspect="auto")


def picture(uri: str) -> npt.NDArray[np.float64]:
    """The image of a data URI as a square of ``(96, 96, 3)`` in ``[0, 1]``; small ones stay sharp."""
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1]))) as image:
        small = max(image.size) < _SIDE
        kind = Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS
        return np.asarray(image.convert("RGB").resize((_SIDE, _SIDE), kind)) / 255


def _name_columns(axes: Axes, grid: HostGrid, concept: str, across: int, theme: Theme) -> None:
    axes.xaxis.tick_top()
    turn: Style = {"rotation": 55, "ha": "left", "rotation_mode": "anchor"}
    places = [(i + 0.4) * across for i in range(len(grid.columns))]
    axes.set_xticks(places, [shorten(name, _LONGEST_NAME) for name in grid.columns], **turn, **_font(theme))
    _mark(axes.get_xticklabels(), grid.columns, concept, theme)


def _name_rows(axes: Axes, grid: HostGrid, concept: str, down: int, theme: Theme, *, visible: bool) -> None:
    if not visible:
        axes.set_yticks([])
        return
    places = [i * down + (_SIDE + _GAP) / 2 for i in range(len(grid.rows))]
    axes.set_yticks(places, [shorten(name, _LONGEST_NAME) for name in grid.rows], **_font(theme))
    _mark(axes.get_yticklabels(), grid.rows, concept, theme)


def _font(theme: Theme) -> Style:
    return {"fontfamily": fonts(), "parse_math": False, "color": theme.muted, "fontsize": 7.5}


def _mark(labels: Sequence[object], names: Sequence[str], concept: str, theme: Theme) -> None:
    for label, name in zip(labels, names, strict=True):
        if name == concept:
            label.set_fontweight("bold")  # type: ignore[attr-defined]
            label.set_color(theme.ink)  # type: ignore[attr-defined]


def _write_answers(
    axes: Axes, grid: HostGrid, cells: Sequence[HostCell], size: tuple[int, int], theme: Theme
) -> None:
    across, down = size
    for cell in cells:
        top, left = grid.rows.index(cell.row) * down, grid.columns.index(cell.column) * across
        axes.text(
            left + across / 2,
            top + _GAP + _SIDE + 8,
            shorten(cell.said, 14),
            color=theme.ink if cell.right else theme.forget[0],
            fontsize=6.5,
            ha="center",
            va="center",
            fontfamily=fonts(),
            parse_math=False,
        )
