import os
import random
import time

import pytest

from slug_lightning.data import census_cache
from slug_lightning.data.census import count_shard, take_census
from slug_lightning.data.census_cache import CensusCache
from slug_lightning.errors import DataNotFoundError, SettingError
from tests.data.tars import pair, picture, write_pairs, write_tar

HOUR_AGO = time.time_ns() - 3600 * 10**9


def settle(path, when=HOUR_AGO):
    os.utime(path, ns=(when, when))
    return path


@pytest.fixture
def shard(tmp_path):
    again = [("000000001.jpg", picture(9)), ("000000001.txt", b"an eight")]
    path = write_tar(tmp_path / "0.tar", [m for i in range(150) for m in pair(i)] + again)
    (tmp_path / "0_stats.json").write_text('{"successes": 151}')
    return settle(path)


@pytest.fixture
def counted(monkeypatch):
    """Shards that were really counted."""
    found = []

    def counting(shard):
        found.append(shard)
        return count_shard(shard)

    monkeypatch.setattr(census_cache, "count_shard", counting)
    return found


def test_a_shard_is_counted_once_and_remembered_to_the_last_field(tmp_path, shard, counted):
    first = CensusCache(tmp_path / "cache").count(str(shard))
    second = CensusCache(tmp_path / "cache").count(str(shard))
    assert first == second == count_shard(str(shard))
    assert len(counted) == 1
    assert (len(second.marks), second.repeats) == (3, {150})
    (tmp_path / "0_stats.json").write_text('{"successes": 160}')
    assert CensusCache(tmp_path / "cache").count(str(shard)).missing == 9


def test_another_size_time_place_or_version_is_counted_again(tmp_path, shard, counted, monkeypatch):
    cache = CensusCache(tmp_path / "cache")
    cache.count(str(shard))
    settle(shard, HOUR_AGO + 1)
    cache.count(str(shard))
    settle(write_pairs(shard, range(5)), HOUR_AGO + 1)
    assert cache.count(str(shard)).samples == 5
    shard.rename(tmp_path / "1.tar")
    cache.count(str(tmp_path / "1.tar"))
    monkeypatch.setattr(census_cache, "__version__", "0")
    cache.count(str(tmp_path / "1.tar"))
    assert len(counted) == 5
    cache.count(str(tmp_path / "1.tar"))
    assert len(counted) == 5


def test_a_file_that_was_changed_a_moment_ago_is_not_remembered(tmp_path, shard, counted):
    os.utime(shard)
    for _ in range(2):
        CensusCache(tmp_path / "cache").count(str(shard))
    assert len(counted) == 2


def test_damaged_entries_are_counted_again(tmp_path, shard, counted):
    cache = CensusCache(tmp_path / "cache")
    expected = cache.count(str(shard))
    (entry,) = (tmp_path / "cache").iterdir()
    whole, rng = entry.read_bytes(), random.Random(0)
    for damaged in (
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        *(whole[: rng.randrange(len(whole))] for _ in range(20)),
    ):
        entry.write_bytes(damaged)
        assert cache.count(str(shard)) == expected
    assert len(counted) == 25


def test_what_is_not_a_local_file_is_never_remembered(tmp_path, shard):
    cache = CensusCache(tmp_path / "cache")
    assert cache.count(f"pipe:cat {shard}").samples == 151
    with pytest.raises(DataNotFoundError):
        cache.count(str(tmp_path / "9.tar"))
    assert not list((tmp_path / "cache").iterdir())


def test_a_folder_that_cannot_be_used_is_refused(tmp_path, shard):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match=r"census_cache to be a folder to write to but got '.*file'"):
        CensusCache(tmp_path / "file")


def test_a_census_of_remembered_counts_is_the_same(tmp_path, shard, counted):
    settle(write_pairs(tmp_path / "1.tar", range(7)))
    count = CensusCache(tmp_path / "cache").count
    shards = str(tmp_path / "*.tar")
    assert take_census(shards, count=count) == take_census(shards, count=count) == take_census(shards)
    assert len(counted) == 2
