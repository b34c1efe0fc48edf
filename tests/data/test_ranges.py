import random

import pytest

from slug_lightning.data.census import take_census
from slug_lightning.data.ranges import read_ranges
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
