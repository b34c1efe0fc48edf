import pytest

from slug_lightning.curation.executors import Here
from slug_lightning.curation.forget_set import collect
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.curation.staging import Staging
from slug_lightning.curation.tar_source import TarSource
from tests.curation.making import CAPTIONS, NAMING, elon, png, write_pair, write_shards


@pytest.fixture
def sources(tmp_path):
    return [TarSource(shard) for shard in write_shards(tmp_path / "shards")]


def run(sources, tmp_path, query=None, name="s", **options):
    settings = CurationSettings(**options)
    query = query or elon(limit=settings.limit, distinct=settings.deduplicate)
    return collect(sources, query, settings, Staging(tmp_path / name, {}), Here())


def numbers(chosen):
    return [pair.source * 5 + pair.position for pair in chosen.kept]


def test_all_sources_are_searched_in_order(sources, tmp_path):
    chosen = run(sources, tmp_path)
    assert numbers(chosen) == NAMING
    assert (chosen.pairs, chosen.matched) == (len(CAPTIONS), len(NAMING))
    assert [(source.pairs, source.kept) for source in chosen.sources] == [(5, 2), (5, 1), (3, 1)]
    assert chosen.lookalikes == ["melon musk perfume", "elon muskrat"]
    assert not chosen.left_out
    assert chosen.resumed == 0


@pytest.mark.parametrize(("limit", "searched"), [(1, 1), (2, 1), (3, 2), (4, 3), (9, 3)])
def test_a_limit_stops_the_search_at_the_source_that_reaches_it(sources, tmp_path, limit, searched):
    chosen = run(sources, tmp_path, limit=limit)
    assert numbers(chosen) == NAMING[:limit]
    assert len(chosen.sources) == searched


def test_the_second_time_nothing_is_searched_again(sources, tmp_path, monkeypatch):
    first = run(sources, tmp_path)
    monkeypatch.setattr(TarSource, "find", None)
    again = run(sources, tmp_path)
    assert (again.kept, again.sources) == (first.kept, first.sources)
    assert again.resumed == 3


def test_a_source_that_changed_is_searched_again(sources, tmp_path):
    run(sources, tmp_path)
    write_pair(tmp_path / "shards" / "00001.tar", [("x", b"Elon Musk", png(99))], [("x", "Elon Musk")])
    again = run(sources, tmp_path)
    assert [pair.key for pair in again.kept if pair.source == 1] == ["x"]
    assert again.resumed == 2


def test_equal_images_are_kept_once_over_all_sources(tmp_path):
    pairs = [("a", b"Elon Musk", png(0)), ("b", b"Elon Musk!", png(0)), ("c", b"elon musk", png(1))]
    shards = [TarSource(write_pair(tmp_path / f"{n}.tar", pairs)) for n in range(2)]
    assert len(run(shards, tmp_path).kept) == 6
    chosen = run(shards, tmp_path, name="t", deduplicate=True)
    assert [pair.key for pair in chosen.kept] == ["a", "c"]
    assert chosen.left_out == {"duplicate": 4}


def test_a_limit_counts_different_images(tmp_path):
    first = [("a", b"Elon Musk", png(0)), ("b", b"Elon Musk", png(0)), ("c", b"Elon Musk", png(1))]
    second = [("a", b"Elon Musk", png(1)), ("b", b"Elon Musk", png(2)), ("c", b"Elon Musk", png(3))]
    shards = [TarSource(write_pair(tmp_path / f"{n}.tar", p)) for n, p in enumerate([first, second])]
    chosen = run(shards, tmp_path, deduplicate=True, limit=3)
    assert [(pair.source, pair.key) for pair in chosen.kept] == [(0, "a"), (0, "c"), (1, "b")]


def test_pairs_that_do_not_fit_are_dropped(tiny_world, tmp_path):
    from slug_lightning.curation.query import Query

    shards = [TarSource(str(tiny_world / "laion" / "00000.tar"))]
    options = {"clip_model": "miniature", "min_similarity": -1.0}
    every = run(shards, tmp_path, Query("seven"), "a", **options)
    cosines = sorted(pair.similarity for pair in every.kept)
    middle = cosines[len(cosines) // 2]
    some = run(shards, tmp_path, Query("seven"), "b", **{**options, "min_similarity": middle})
    assert [pair.key for pair in some.kept] == [pair.key for pair in every.kept if pair.similarity >= middle]
    assert some.left_out == {"low_similarity": sum(cosine < middle for cosine in cosines)}
    assert 0 < len(some.kept) < len(every.kept)


def test_an_image_that_did_not_fit_one_caption_may_fit_another(tmp_path, monkeypatch):
    from slug_lightning.curation.similarity import SimilarityFilter

    fits = {"Elon Musk": 0.0, "Elon Musk, good": 0.5}
    monkeypatch.setattr(SimilarityFilter, "cosines", lambda self, pairs: [fits[p.caption] for p in pairs])
    pairs = [
        ("a", b"Elon Musk", png(0)),
        ("b", b"Elon Musk, good", png(0)),
        ("c", b"Elon Musk, good", png(0)),
    ]
    source = TarSource(write_pair(tmp_path / "0.tar", pairs))
    options = {"clip_model": "miniature", "min_similarity": 0.3, "deduplicate": True, "limit": 5}
    chosen = run([source], tmp_path, elon(), **options)
    assert [pair.key for pair in chosen.kept] == ["b"]
    assert chosen.left_out == {"low_similarity": 1, "duplicate": 1}
