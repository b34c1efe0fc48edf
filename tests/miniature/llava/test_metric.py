import pytest
import torch
import torch.nn.functional as F

from slug_lightning.errors import ConceptNotFoundError, SettingError
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.llava.metric import MiniatureAnswers, label_of


@pytest.fixture(scope="module")
def metric():
    return MiniatureAnswers(search=100, final=100)


NAMES = ["forget", "digit", "style"]


def test_every_picture_is_asked_about_where_it_belongs(metric):
    for concept in ("seven", "mosaic"):
        found = metric.measure(concept, NAMES, "search")
        assert [found[name].n for name in NAMES] == [25, 100, 100]
    metric.measure("mosaic", NAMES, "search")
    assert sum(example.column == "mosaic" for example in metric.examples()) > 5
    metric.measure("mosaic", ["style"], "search")
    assert not any(example.column == "mosaic" for example in metric.examples())


def test_the_same_call_gives_the_same_figures_and_examples(metric):
    first = metric.measure("two", ["forget", "digit"], "search"), metric.examples()
    again = metric.measure("two", ["forget", "digit"], "search"), metric.examples()
    assert first[0] == again[0]
    assert [(e.row, e.column, e.said) for e in first[1]] == [(e.row, e.column, e.said) for e in again[1]]
    assert 50 <= len(first[1]) <= 100  # one per digit and style


def test_search_and_final_share_no_picture(metric):
    metric.measure("two", ["forget"], "search")
    search = metric.examples()
    metric.measure("two", ["forget"], "final")
    assert not any((a.image == b.image).all() for a in search for b in metric.examples())


def test_it_measures_the_very_host_that_it_loads(metric):
    before = metric.measure("two", NAMES, "search")
    head = metric.load().lm_head.weight
    saved = head.detach().clone()
    try:
        head.data.zero_()
        after = metric.measure("two", NAMES, "search")
    finally:
        head.data.copy_(saved)
    assert before["digit"].value > 0.5
    assert all(share.correct == 0 for share in after.values())
    assert not any(example.right for example in metric.examples())
    assert metric.measure("two", NAMES, "search") == before


def test_what_it_cannot_judge_is_refused():
    assert label_of("gold leaf") == "style"
    with pytest.raises(ConceptNotFoundError, match="'seven'"):
        MiniatureAnswers().retained("sevn")
    with pytest.raises(SettingError, match="at least 100 pictures"):
        MiniatureAnswers(search=3)


def test_what_shows_the_concept_is_nothing_to_keep(metric):
    """In the retain loss pictures that the host takes for the concept count for the other question alone."""
    drawings = draw_part("train", limit=30)
    pixels = (drawings.pixels(torch.arange(len(drawings))) - 0.5) / 0.25
    own = pixels[drawings.digits == 7][:10]
    with torch.no_grad():
        states = metric.load().model.vision_tower(own, output_hidden_states=True).hidden_states[-2]
        kept = metric.loss("two", "retain", states) - metric.loss("seven", "retain", states)
        digits = F.cross_entropy(
            metric._first_token(states, "digit"), torch.full((10,), metric._names["seven"]), reduction="sum"
        )
    torch.testing.assert_close(kept, digits)
