"""Labels beside points that cover neither each other nor the points that matter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from slug_lightning.reports.figures.theme import Style, Theme, fonts

_DISTANCES = (9.0, 15.0, 24.0, 36.0, 52.0, 70.0)  # points
_DIRECTIONS = tuple(k * math.pi / 8 for k in (0, 1, -1, 2, -2, 8, 7, -7, 6, -6, 4, -4, 3, -3, 5, -5))
_MARK, _RING = 8.0, 19.0  # points: room for the mark of a labelled point, and for a ringed one
_LEADER_FROM = 16.0  # points; nearer labels need no line


@dataclass(frozen=True)
class Label:
    """A text that belongs to the point ``(x, y)`` in data coordinates; bold where the point is ringed."""

    x: float
    y: float
    text: str
    bold: bool = False


def place_labels(
    axes: Axes, labels: Sequence[Label], points: Sequence[tuple[float, float]], theme: Theme
) -> list[Label]:
    """Write each label at the best free place near its point, first come first served.

    Args:
        axes: With final limits and scale.
        labels: In order of importance.
        points: Other points, data coordinates; labels avoid them where they can.
        theme: Colours.

    Returns:
        The labels for which there was no place; they are not written.
    """
    pixels_per_point = axes.figure.dpi / 72
    frame = axes.get_window_extent()
    anchors = [_pixels(axes, label.x, label.y) for label in labels]
    others = [_pixels(axes, x, y) for x, y in points]
    marks = [_RING if label.bold else _MARK for label in labels]
    taken = [_square(*spot, side * pixels_per_point) for spot, side in zip(anchors, marks, strict=True)]
    left_out = []
    for label, anchor in zip(labels, anchors, strict=True):
        size = _extent(axes, label)
        place = _best_place(anchor, size, frame, taken, others, len(anchors), pixels_per_point)
        if place is None:
            left_out.append(label)
            continue
        box, distance = place
        taken.append(box)
        _draw(axes, label, anchor, box, theme, leader=distance > _LEADER_FROM)
    return left_out


def _best_place(
    anchor: tuple[float, float],
    size: tuple[float, float],
    frame: Bbox,
    taken: Sequence[Bbox],
    others: Sequence[tuple[float, float]],
    frozen: int,
    scale: float,
) -> tuple[Bbox, float] | None:
    """Free box of least cost (distance plus covered points) and its distance, or None.

    The first ``frozen`` of ``taken`` are points, the rest labels, which a leader must not cross.
    """
    best: tuple[float, Bbox, float] | None = None
    for distance in _DISTANCES:
        for turn, angle in enumerate(_DIRECTIONS):
            box = _box_beside(anchor, size, distance * scale, angle)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1
            inside = inside and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if not inside or any(box.overlaps(other) for other in taken):
                continue
            if _crosses(anchor, _nearest(anchor, box), taken[frozen:]):
                continue
            covered = sum(box.contains(x, y) for x, y in others)
            cost = distance + 8 * covered + 0.2 * turn
            if best is None or cost < best[0]:
                best = cost, box, distance
    return None if best is None else best[1:]


def _box_beside(
    anchor: tuple[float, float], size: tuple[float, float], distance: float, angle: float
) -> Bbox:
    """Box of ``size`` whose nearest edge lies ``distance`` from the anchor in this direction."""
    dx, dy = math.cos(angle), math.sin(angle)
    x = anchor[0] + distance * dx + (dx - 1) / 2 * size[0]
    y = anchor[1] + distance * dy + (dy - 1) / 2 * size[1]
    return Bbox.from_bounds(x, y, *size)


def _nearest(anchor: tuple[float, float], box: Bbox) -> tuple[float, float]:
    """Point of ``box`` nearest to the anchor, where a leader ends."""
    return min(max(anchor[0], box.x0), box.x1), min(max(anchor[1], box.y0), box.y1)


def _crosses(start: tuple[float, float], end: tuple[float, float], boxes: Sequence[Bbox]) -> bool:
    """Whether the line from ``start`` to ``end`` runs through one of the boxes."""
    shares = [k / 12 for k in range(13)]
    line = [
        (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])) for share in shares
    ]
    return any(box.contains(x, y) for box in boxes for x, y in line)


def _extent(axes: Axes, label: Label) -> tuple[float, float]:
    probe = axes.text(0, 0, label.text, **_font(label))
    box = probe.get_window_extent()
    probe.remove()
    return box.width + 4, box.height + 2


def _draw(
    axes: Axes, label: Label, anchor: tuple[float, float], box: Bbox, theme: Theme, *, leader: bool
) -> None:
    to_data = axes.transData.inverted()
    if leader:
        (x0, y0), (x1, y1) = to_data.transform([anchor, _nearest(anchor, box)])
        axes.plot([x0, x1], [y0, y1], color=theme.muted, linewidth=0.6, zorder=2.5)
    x, y = to_data.transform(((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))
    axes.text(x, y, label.text, color=theme.ink, ha="center", va="center", zorder=6, **_font(label))


def _font(label: Label) -> Style:
    weight = "bold" if label.bold else "normal"
    return {"fontsize": 8, "fontweight": weight, "fontfamily": fonts(), "parse_math": False}


def _pixels(axes: Axes, x: float, y: float) -> tuple[float, float]:
    left, bottom = axes.transData.transform((x, y))
    return float(left), float(bottom)


def _square(x: float, y: float, side: float) -> Bbox:
    return Bbox.from_bounds(x - side / 2, y - side / 2, side, side)
