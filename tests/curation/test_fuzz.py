"""Damaged shards: curation finds what a plain reader finds, or says that it may miss some."""

import pytest

from slug_lightning.curation.query import Query
from slug_lightning.curation.tar_source import TarSource
from slug_lightning.data.shards import iter_pairs
from tests.curation.making import write_index
from tests.data.mutations import PAIRS, damaged
from tests.data.tars import pair

QUERY = Query("seven")


def found(harvest):
    return [(p.key, p.caption.strip("\ufeff\x00 \t\r\n")) for p in harvest.found]


def check(seed, folder):
    shard = damaged(seed)
    path = folder / f"0{shard.suffix}"
    path.write_bytes(shard.data)
    plain = [(p.key, p.caption) for p in iter_pairs(str(path)) if QUERY.matches(p.caption)]
    alone = TarSource(str(path), use_index=False).find(QUERY)
    assert found(alone) == plain
    assert alone.pairs >= len(plain)
    indexed = TarSource(str(path)).find(QUERY)
    assert set(found(indexed)) <= set(plain)
    assert found(indexed) == plain or indexed.problems
    return "indexed" if indexed.searched != "tar" else "streamed"


def check_all(seeds, folder):
    rows = [(f"{n:09d}", pair(n)[2][1].decode()) for n in range(PAIRS)]
    write_index(folder / "0.parquet", rows)
    ways = {"indexed": 0, "streamed": 0}
    for seed in seeds:
        try:
            ways[check(seed, folder)] += 1
        except BaseException as error:
            error.add_note(damaged(seed).story)
            raise
    assert min(ways.values()) > len(seeds) // 50, ways


def test_damaged_shards(tmp_path):
    check_all(range(80), tmp_path)


@pytest.mark.slow
def test_thousands_of_damaged_shards(tmp_path):
    check_all(range(1000, 5000), tmp_path)
