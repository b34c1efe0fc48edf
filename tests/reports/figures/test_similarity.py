import numpy as np
import pytest

from slug_lightning.reports.evidence import Similarity
from slug_lightning.reports.figures.similarity import nearest_names, similarity_figure
from tests.reports.run_directory import DIGITS, make_evidence


def make_similarity(names, concept):
    entry = make_evidence(names, concept)["similarity"]
    before, after = (tuple(map(tuple, entry[side])) for side in ("before", "after"))
    return Similarity(tuple(names), before, after, entry["rows"], entry["columns"])


def images(figure):
    return [axes.images[0] for axes in figure.axes[:2]]


def test_both_maps_show_their_matrix_on_one_scale():
    similarity = make_similarity(DIGITS, "seven")
    before, after = images(similarity_figure(similarity, "seven"))
    assert np.array_equal(before.get_array(), similarity.before)
    assert np.array_equal(after.get_array(), similarity.after)
    assert before.get_clim() == after.get_clim()
    low, high = before.get_clim()
    assert low == min(min(map(min, similarity.before)), min(map(min, similarity.after)))
    assert high == max(max(map(max, similarity.before)), max(map(max, similarity.after)))


def test_the_concepts_row_and_column_are_framed():
    axes = similarity_figure(make_similarity(DIGITS, "seven"), "seven").axes[0]
    frames = [patch.get_bbox().bounds for patch in axes.patches]
    assert frames == [(-0.5, 6.5, 10, 1), (6.5, -0.5, 1, 10)]


def test_a_concept_that_is_not_among_the_names_is_not_framed():
    assert not similarity_figure(make_similarity(DIGITS, "seven"), "Ada").axes[0].patches


@pytest.mark.parametrize(("size", "written"), [(4, 16), (12, 144), (13, 0)])
def test_values_are_written_up_to_twelve_names(size, written):
    names = [f"n{k}" for k in range(size)]
    axes = similarity_figure(make_similarity(names, "n0"), "n0").axes[0]
    assert sum(text.get_text().startswith((".", "\u2212", "1")) for text in axes.texts) == written


def test_many_names_shrink_to_the_nearest():
    names = [f"n{k}" for k in range(40)]
    similarity = make_similarity(names, "n7")
    kept = nearest_names(similarity, "n7", 24)
    assert 7 in kept
    assert len(kept) == 24
    near = [similarity.before[7][k] + similarity.before[k][7] for k in range(40)]
    assert min(near[k] for k in kept) > max(near[k] for k in range(40) if k not in kept)
    figure = similarity_figure(similarity, "n7")
    assert any("24 of 40 names" in text.get_text() for text in figure.texts)


def test_a_constant_matrix_can_be_drawn():
    flat = ((0.5, 0.5), (0.5, 0.5))
    figure = similarity_figure(Similarity(("a", "b"), flat, flat, "rows", "columns"), "a")
    assert len(figure.axes) == 3
