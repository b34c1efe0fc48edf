import random
from itertools import combinations

from slug_lightning.reports.figures.labels import Label, place_labels
from slug_lightning.reports.figures.theme import LIGHT, new_figure


def axes_with_labels(labels, points=()):
    figure = new_figure(6, 4, LIGHT)
    axes = figure.add_axes((0.1, 0.1, 0.85, 0.85))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    left_out = place_labels(axes, labels, points, LIGHT)
    return axes, left_out


def boxes(axes):
    return [text.get_window_extent() for text in axes.texts]


def crowd(count, seed, spread=0.25):
    draw = random.Random(seed)
    return [
        Label(0.5 + draw.uniform(-spread, spread), 0.5 + draw.uniform(-spread, spread), f"v{k}.mlp")
        for k in range(count)
    ]


def test_labels_neither_overlap_nor_leave_the_axes():
    for seed in range(5):
        axes, left_out = axes_with_labels(crowd(14, seed))
        found = boxes(axes)
        assert len(found) + len(left_out) == 14
        assert not any(a.overlaps(b) for a, b in combinations(found, 2))
        frame = axes.get_window_extent()
        assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in found)
        assert all(frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in found)


def test_labels_do_not_cover_any_labelled_point():
    labels = crowd(14, 7)
    axes, _ = axes_with_labels(labels)
    spots = [axes.transData.transform((label.x, label.y)) for label in labels]
    assert not any(box.contains(*spot) for box in boxes(axes) for spot in spots)


def test_a_label_moves_away_from_other_points():
    label = Label(0.5, 0.5, "v3.attn.in_proj")
    crowded = [(0.5 + k * 0.01, 0.5) for k in range(1, 30)]
    axes, _ = axes_with_labels([label], crowded)
    box = boxes(axes)[0]
    assert not any(box.contains(*axes.transData.transform(point)) for point in crowded)


def test_what_has_no_room_is_returned_not_drawn():
    labels = crowd(60, 1, spread=0.01)
    axes, left_out = axes_with_labels(labels)
    assert left_out
    assert len(axes.texts) == 60 - len(left_out)
    assert labels[0] not in left_out  # first come, first served
