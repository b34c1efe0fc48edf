import pytest

from slug_lightning.errors import ConceptNotFoundError, SettingError
from slug_lightning.miniature.llava.metric import MiniatureAnswers, label_of


@pytest.fixture(scope="module")
def metric():
    return MiniatureAnswers(search_scans=10, final_scans=10)


NAMES = ["forget", "digit", "style"]


def test_every_picture_is_asked_about_where_it_belongs(metric):
    def counts(concept):
        return [metric.measure(concept, NAMES, "search")[name].n for name in NAMES]

    assert counts("seven") == [10, 90, 100]
    assert counts("mosaic") == [10, 100, 90]


def test_the_same_call_gives_the_same_figures_and_examples(metric):
    first = metric.measure("two", ["forget", "digit"], "search"), metric.examples()
    again = metric.measure("two", ["forget", "digit"], "search"), metric.examples()
    assert first[0] == again[0]
    assert [(e.row, e.column, e.said) for e in first[1]] == [(e.row, e.column, e.said) for e in again[1]]
    assert len(first[1]) == 100


def test_search_and_final_share_no_picture(metric):
    metric.measure("two", ["forget"], "search")
    search = metric.examples()
    metric.measure("two", ["forget"], "final")
    assert not any((a.image == b.image).all() for a, b in zip(search, metric.examples(), strict=True))


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
    with pytest.raises(SettingError, match="one of each digit"):
        MiniatureAnswers(search_scans=3)
