"""Cosines between images and prompts before and after the edit, as two heat maps on one scale."""

from collections.abc import Sequence

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from slug_lightning.reports.evidence import Similarity
from slug_lightning.reports.figures.theme import LIGHT, Style, Theme, fonts, new_figure, style_axes, write
from slug_lightning.reports.wording import shorten

_MOST_NAMES = 24
_MOST_WRITTEN = 12
_LONGEST_NAME = 14
_MAP = "cividis"  # one lightness ramp, the same with every colour vision


def similarity_figure(
    similarity: Similarity, concept: str, theme: Theme = LIGHT, quantity: str = "cosine"
) -> Figure:
    """Two heat maps side by side; the concept's row and column are framed.

    Args:
        similarity: Square matrices of cosines.
        concept: Its row and column are marked when its name is among the names.
        theme: Colours.
        quantity: What the colours are, for the note below.

    Returns:
        A figure 8 inches wide. Beyond 24 names the concept and those nearest to it before the
        edit are shown; beyond 12 names the cells carry no numbers.
    """
    kept = nearest_names(similarity, concept, _MOST_NAMES)
    names = [similarity.names[k] for k in kept]
    before, after = (
        [[matrix[i][j] for j in kept] for i in kept] for matrix in (similarity.before, similarity.after)
    )
    figure = new_figure(8, 4.75, theme)
    values = [value for matrix in (before, after) for row in matrix for value in row]
    scale = Normalize(min(values), max(max(values), min(values) + 1e-6))
    mark = names.index(concept) if concept in names else None
    for left, title, matrix in ((0.125, "before", before), (0.545, "after", after)):
        axes = figure.add_axes((left, 0.235, 0.39, 0.39 * 8 / 4.75))
        image = _draw_matrix(axes, matrix, names, mark, scale, theme)
        write(axes, 0, 1.045, title, theme.ink, size=10, bold=True)
        if title == "after":
            axes.set_yticks([])
    _draw_scale(figure, image, theme)
    _describe(figure, similarity, len(kept), theme, quantity)
    return figure


def nearest_names(similarity: Similarity, concept: str, count: int) -> list[int]:
    """Indices to show, in the file's order: all, or the concept and its nearest names before."""
    size = len(similarity.names)
    if size <= count or concept not in similarity.names:
        return list(range(min(size, count)))
    own = similarity.names.index(concept)
    nearness = [similarity.before[own][k] + similarity.before[k][own] for k in range(size)]
    others = sorted((k for k in range(size) if k != own), key=lambda k: -nearness[k])
    return sorted([own, *others[: count - 1]])


def _draw_matrix(
    axes: Axes,
    matrix: Sequence[Sequence[float]],
    names: Sequence[str],
    mark: int | None,
    scale: Normalize,
    theme: Theme,
) -> AxesImage:
    style_axes(axes, theme, size=8)
    axes.grid(visible=False)
    axes.tick_params(length=0, pad=3)
    for spine in axes.spines.values():
        spine.set_visible(False)
    image = axes.imshow(matrix, cmap=_MAP, norm=scale, interpolation="nearest", aspect="auto")
    shown = [shorten(name, _LONGEST_NAME) for name in names]
    font: Style = {"fontfamily": fonts(), "parse_math": False, "color": theme.muted}
    font["fontsize"] = 8 if len(names) <= _MOST_WRITTEN else 6.5
    turn: Style = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(names)), shown, **turn, **font)
    axes.set_yticks(range(len(names)), shown, **font)
    if len(names) <= _MOST_WRITTEN:
        _write_values(axes, matrix, scale, 8 if len(names) <= 8 else 6.5)
    if mark is not None:
        _mark(axes, mark, len(names), theme)
    return image


def _write_values(axes: Axes, matrix: Sequence[Sequence[float]], scale: Normalize, size: float) -> None:
    ramp = colormaps[_MAP]
    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            red, green, blue, _ = ramp(scale(value))
            light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
            text = f"{value:z.2f}".replace("0.", ".", 1).replace("-", "\u2212")
            color = "#111111" if light else "#f5f5f5"
            axes.text(j, i, text, ha="center", va="center", fontsize=size, color=color)


def _mark(axes: Axes, index: int, size: int, theme: Theme) -> None:
    """Frame the concept's row and column and set its names bold."""
    frame: Style = {"fill": False, "edgecolor": theme.forget[0], "linewidth": 1.8, "clip_on": False}
    axes.add_patch(Rectangle((-0.5, index - 0.5), size, 1, **frame))
    axes.add_patch(Rectangle((index - 0.5, -0.5), 1, size, **frame))
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        labels[index].set_fontweight("bold")
        labels[index].set_color(theme.ink)


def _draw_scale(figure: Figure, image: AxesImage, theme: Theme) -> None:
    axes = figure.add_axes((0.948, 0.235, 0.012, 0.39 * 8 / 4.75))
    bar = figure.colorbar(image, cax=axes)
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=7.5, labelcolor=theme.muted, color=theme.muted, length=2, pad=2)


def _describe(figure: Figure, similarity: Similarity, shown: int, theme: Theme, quantity: str) -> None:
    note = f"rows: {similarity.rows}; columns: {similarity.columns}; colour: {quantity}"
    if shown < len(similarity.names):
        note += f"; {shown} of {len(similarity.names)} names, nearest to the concept"
    write(figure, 0.02, 0.03, note, theme.muted, size=8)
