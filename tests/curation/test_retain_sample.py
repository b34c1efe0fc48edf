from collections import Counter
from pathlib import Path

import pytest

from slug_lightning.curation.executors import Here
from slug_lightning.curation.forget_set import collect
from slug_lightning.curation.query import Query
from slug_lightning.curation.retain_sample import draw, rank
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.curation.staging import Staging
from slug_lightning.curation.tar_source import TarSource
from tests.curation.making import elon, png, write_pair, write_shards

QUERY = Query("seven")
CAPTIONS = [f"a {'seven' if n % 3 == 0 else 'lake'}, number {n}" for n in range(60)]


@pytest.fixture
def sources(tmp_path):
    return [TarSource(shard) for shard in write_shards(tmp_path / "shards", CAPTIONS, per_shard=12)]


def run(sources, staging, forget=(), query=QUERY, **options):
    return draw(sources, query, CurationSettings(**options), forget, staging, Here())


def numbers(sample):
    return [pair.source * 12 + pair.position for pair in sample.kept]


def lowest(count, sources, seed):
    """Brute force: the pairs that do not name the concept with the lowest ranks."""
    pairs = [(n // 12, f"{n // 12:05d}{n % 12:04d}", n) for n in range(60) if n % 3 and n // 12 in sources]
    return sorted(n for _, n in sorted((rank(seed, source, key), n) for source, key, n in pairs)[:count])


@pytest.mark.parametrize("seed", [0, 1])
def test_the_lowest_ranks_of_all_sources_are_drawn(sources, tmp_path, seed):
    sample = run(sources, Staging(tmp_path / "s", {}), retain=15, seed=seed)
    assert numbers(sample) == lowest(15, range(5), seed)
    assert sample.sources == [0, 1, 2, 3, 4]
    assert not sample.left_out


def test_the_seed_decides(sources, tmp_path):
    draws = [numbers(run(sources, Staging(tmp_path / "s", {"a": s}), retain=15, seed=s)) for s in (0, 1)]
    assert draws[0] != draws[1]


def test_every_pair_is_as_likely(sources, tmp_path):
    drawn = Counter(n for seed in range(300) for n in lowest(10, range(5), seed))
    assert set(drawn) == {n for n in range(60) if n % 3}
    assert 40 < min(drawn.values()) < max(drawn.values()) < 115  # 75 expected, 4.5 deviations of 8


def test_only_a_few_sources_are_opened_as_long_as_they_have_enough(sources, tmp_path, monkeypatch):
    asked = []
    others = TarSource.others
    monkeypatch.setattr(TarSource, "others", lambda self, query: asked.append(self) or others(self, query))
    sample = run(sources, Staging(tmp_path / "s", {}), retain=10, retain_sources=2)
    assert [sources[n] for n in sample.sources] == sorted(asked, key=sources.index)
    assert len(asked) == 2
    assert numbers(sample) == lowest(10, sample.sources, 0)
    more = run(sources, Staging(tmp_path / "t", {}), retain=17, retain_sources=2)
    assert len(more.kept) == 17
    assert set(sample.sources) < set(more.sources)


def test_fewer_are_drawn_only_if_there_are_no_more(sources, tmp_path):
    sample = run(sources, Staging(tmp_path / "s", {}), retain=1000)
    assert numbers(sample) == [n for n in range(60) if n % 3]


def test_what_cannot_be_used_is_replaced_by_the_next(tmp_path):
    pairs = [(f"{n}", b"a lake", b"no image" if n % 2 else png(n)) for n in range(20)]
    source = TarSource(write_pair(tmp_path / "0.tar", pairs))
    sample = run([source], Staging(tmp_path / "s", {}), retain=8, seed=1)
    assert len(sample.kept) == 8
    order = sorted(range(20), key=lambda n: rank(1, 0, str(n)))
    good = [n for n in order if n % 2 == 0][:8]
    assert [pair.key for pair in sample.kept] == [str(n) for n in sorted(good)]
    assert sample.left_out == {"not_an_image": sum(n % 2 for n in order[: order.index(good[-1])])}


def test_images_of_forget_pairs_are_not_drawn_whatever_their_captions(tmp_path):
    pairs = [("a", b"Elon Musk", png(0)), ("b", b"a man on a stage", png(0)), ("c", b"a lake", png(1))]
    source = TarSource(write_pair(tmp_path / "0.tar", pairs))
    staging = Staging(tmp_path / "s", {})
    forget = collect([source], elon(), CurationSettings(), staging, Here())
    sample = run([source], staging, forget.kept, elon(), retain=5)
    assert [pair.key for pair in sample.kept] == ["c"]
    assert sample.left_out == {"forget_image": 1}


def test_the_tar_has_the_last_word_on_captions(tmp_path):
    pairs = [("a", b"Elon Musk", png(0)), ("b", b"a lake", png(1))]
    source = TarSource(write_pair(tmp_path / "0.tar", pairs, [("a", "a tree"), ("b", "a lake")]))
    sample = run([source], Staging(tmp_path / "s", {}), query=elon(), retain=2)
    assert [pair.key for pair in sample.kept] == ["b"]
    assert sample.left_out == {"excluded": 1}


def test_it_goes_on_from_what_was_fetched(sources, tmp_path, monkeypatch):
    first = run(sources, Staging(tmp_path / "s", {}), retain=15)
    monkeypatch.setattr(TarSource, "fetch", None)
    assert run(sources, Staging(tmp_path / "s", {}), retain=15) == first


def test_without_a_parquet_the_same_pairs_are_drawn(sources, tmp_path):
    first = run(sources, Staging(tmp_path / "s", {}), retain=15)
    for source in sources:
        Path(source.shard).with_suffix(".parquet").unlink()
    assert run(sources, Staging(tmp_path / "t", {}), retain=15) == first
