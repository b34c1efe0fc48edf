import dataclasses

from slug_lightning.reports.figures.layers import layers_figure
from slug_lightning.reports.figures.theme import DARK, LIGHT
from slug_lightning.reports.wording import short_layer
from tests.reports.run_directory import make_layers

LAYERS = make_layers()


def drawn_points(figure):
    """Coordinates of all drawn marks, without lines that have none."""
    lines = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "", None)]
    return {(x, y) for line in lines for x, y in zip(*line.get_data(), strict=True)}


def texts(figure):
    return {text.get_text() for text in figure.axes[0].texts}


def test_every_layer_is_drawn_where_its_scores_say():
    points = drawn_points(layers_figure(LAYERS))
    assert points == {(row.importance, row.alignment) for row in LAYERS}


def test_axes_are_logarithmic():
    axes = layers_figure(LAYERS).axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_only_the_front_and_the_edited_layer_are_named():
    edited = next(row for row in LAYERS if not row.front)
    front = {short_layer(row.layer, row.tower) for row in LAYERS if row.front}
    assert texts(layers_figure(LAYERS)) == front
    assert texts(layers_figure(LAYERS, edited.layer)) == front | {short_layer(edited.layer, edited.tower)}


def test_the_edited_layer_is_ringed_and_bold():
    edited = next(row for row in LAYERS if row.front)
    axes = layers_figure(LAYERS, edited.layer).axes[0]
    rings = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in rings] == [
        (edited.importance, edited.alignment)
    ]
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold == [short_layer(edited.layer, edited.tower)]


def test_no_layer_lies_beyond_the_staircase_of_its_tower():
    for row in LAYERS:
        ahead = [other for other in LAYERS if other.tower == row.tower and other.front]
        assert row.front or any(
            other.importance >= row.importance and other.alignment <= row.alignment for other in ahead
        )


def test_the_front_is_joined_as_the_edge_of_what_it_dominates():
    lines = [line for line in layers_figure(LAYERS).axes[0].lines if line.get_drawstyle() != "default"]
    assert [line.get_drawstyle() for line in lines] == ["steps-pre", "steps-pre"]
    for line, tower in zip(lines, ("vision", "text"), strict=True):
        front = [row for row in LAYERS if row.front and row.tower == tower]
        points = sorted((row.importance, row.alignment) for row in front)
        assert list(zip(*line.get_data(), strict=True)) == points


def test_zeros_are_drawn_at_the_edge_and_counted():
    rows = [dataclasses.replace(LAYERS[0], alignment=0.0), *LAYERS[1:]]
    figure = layers_figure(rows)
    smallest = min(row.alignment for row in rows[1:])
    assert (rows[0].importance, smallest / 2) in drawn_points(figure)
    assert any("1 with a zero" in text.get_text() for text in figure.texts)


def test_one_layer_alone_and_all_zero_gradients_can_be_drawn():
    assert drawn_points(layers_figure(LAYERS[:1]))
    dead = [dataclasses.replace(row, importance=0.0, alignment=0.0) for row in LAYERS]
    assert len(drawn_points(layers_figure(dead))) == 1


def test_one_tower_has_no_legend_entry_for_the_other():
    figure = layers_figure(make_layers(towers=("text",)))
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries == ["text layer", "text front"]


def test_the_theme_sets_the_paper():
    assert (
        layers_figure(LAYERS, theme=DARK).get_facecolor()
        != layers_figure(LAYERS, theme=LIGHT).get_facecolor()
    )
