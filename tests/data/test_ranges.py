import os
import random

import pytest

from slug_lightning.data.census import take_census
from slug_lightning.data.ranges import changes, read_ranges
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.errors import BadDataError
from tests.data.tars import write_pairs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for name, numbers in {"0": range(150), "1": range(150, 151), "3": range(151, 400)}.items():
        write_pairs(folder / f"{name}.tar", numbers)
    (folder / "2.tar").write_bytes(b"")  # a shard without samples takes no numbers
    return folder


@pytest.mark.parametrize("shards", ["{}/*.tar", "pipe:cat {}/{{0..3}}.tar"])
def test_any_ranges_give_their_samples_in_order(folder, shards):
    census = take_census(shards.format(folder))
    rng = random.Random(1)
    for _ in range(12):
        edges = sorted(rng.sample(range(401), 2 * rng.randint(1, 6)))
        spans = [range(*edges[i : i + 2]) for i in range(0, len(edges), 2)]
        found = [(n.number, n.sample.caption()) for n in read_ranges(census, spans)]
        assert found == [(i, f"a seven, number {i}") for span in spans for i in span]


def test_shards_without_wanted_samples_are_not_opened(folder, monkeypatch):
    census = take_census(str(folder / "*.tar"))
    opened = []

    class Watched(read_ranges.__globals__["ShardReader"]):
        def __init__(self, shard, start=0):
            opened.append((shard[-5:], start > 0))
            super().__init__(shard, start)

    monkeypatch.setattr("slug_lightning.data.ranges.ShardReader", Watched)
    assert len(list(read_ranges(census, [range(300, 302)]))) == 2
    assert opened == [("3.tar", True)]  # and it began at a mark
    opened.clear()
    assert len(list(read_ranges(census, [range(2, 4), range(8, 9), range(140, 141)]))) == 4
    assert opened == [("0.tar", False), ("0.tar", True)]


def test_a_shard_that_changed_since_the_census_is_refused(tmp_path):
    path = write_pairs(tmp_path / "0.tar", range(9))
    census = take_census(str(path))
    write_pairs(path, range(3))
    with pytest.raises(BadDataError, match=r"Expected 9 samples in '.*0\.tar' but it has changed"):
        list(read_ranges(census, [range(2)]))


def test_a_pipe_that_gives_less_than_counted_is_refused(tmp_path):
    path = write_pairs(tmp_path / "0.tar", range(9))
    census = take_census(f"pipe:cat {path}")
    write_pairs(path, range(3))
    with pytest.raises(BadDataError, match="has changed"):
        list(read_ranges(census, [range(1, 8)]))


@pytest.fixture
def changing(tmp_path):
    """Three shards of nine; a census, and then what happens to the second."""
    paths = [write_pairs(tmp_path / f"{i}.tar", range(9 * i, 9 * i + 9)) for i in range(3)]
    return paths[1], take_census(str(tmp_path / "*.tar"))


def disappear(path):
    path.unlink()


def shrink(path):
    write_pairs(path, range(9, 12))


def be_replaced_by_one_of_the_same_size(path):
    size = path.stat().st_size
    write_pairs(path, range(19, 28))
    assert path.stat().st_size == size
    os.utime(path, (0, 0))


HAPPENS = [disappear, shrink, be_replaced_by_one_of_the_same_size]


@pytest.mark.parametrize("happens", HAPPENS)
def test_a_shard_that_goes_before_it_is_read_is_refused_or_its_samples_are_lost(changing, happens):
    path, census = changing
    assert changes(census) == []
    happens(path)
    with pytest.raises(BadDataError, match=r"'.*1\.tar' but it has changed or disappeared .* missing_shards"):
        list(read_ranges(census, [range(2, 25)]))
    spans = [range(2, 11), range(13, 25)]
    found = [(n.number, is_lost(n.sample)) for n in read_ranges(census, spans, "skip")]
    assert [number for number, _ in found] == [*range(2, 11), *range(13, 25)]
    assert [number for number, lost in found if lost] == [9, 10, 13, 14, 15, 16, 17]
    assert changes(census) == ["1.tar disappeared or changed after it was counted."]


@pytest.mark.parametrize("happens", HAPPENS)
@pytest.mark.parametrize("missing", ["refuse", "skip"])
def test_a_shard_that_goes_while_it_is_read_is_refused_or_counted_to_the_last_sample(
    changing, happens, missing
):
    path, census = changing
    samples = read_ranges(census, [range(2, 25)], missing)
    numbers = [next(samples).number for _ in range(9)]  # the second shard is open
    happens(path)
    if missing == "refuse" and happens is not disappear:  # an open file can be read to its end
        with pytest.raises(BadDataError, match=r"'.*1\.tar' but it has changed or disappeared"):
            list(samples)
    else:
        numbers += [numbered.number for numbered in samples]
        assert numbers == list(range(2, 25))
    assert changes(census) == ["1.tar disappeared or changed after it was counted."]


def is_lost(sample):
    try:
        return not sample.caption()
    except BadMemberError as error:
        return error.reason == "lost"
