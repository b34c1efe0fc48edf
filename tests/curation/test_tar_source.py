from pathlib import Path

import pytest

from slug_lightning.curation.tar_source import TarSource
from slug_lightning.errors import DataNotFoundError
from tests.curation.making import CAPTIONS, NAMING, elon, png, write_index, write_pair, write_shards
from tests.curation.test_caption_table import not_utf8


def keys(harvest):
    return [pair.key for pair in harvest.found]


@pytest.fixture
def shard(tmp_path):
    return write_shards(tmp_path, per_shard=100)[0]


@pytest.mark.parametrize("use_index", [True, False])
def test_a_shard_gives_its_pairs_with_and_without_index(shard, use_index):
    source = TarSource(shard, use_index)
    harvest = source.find(elon())
    assert [pair.position for pair in harvest.found] == NAMING
    assert (harvest.pairs, harvest.matched) == (len(CAPTIONS), len(NAMING))
    assert harvest.searched == ("00000.parquet" if use_index else "tar")
    assert harvest.lookalikes == ["melon musk perfume", "elon muskrat"]
    assert source.others(elon()) == [f"{i:09d}" for i in range(len(CAPTIONS)) if i not in NAMING]
    assert source.captions(2) == CAPTIONS[:2]
    assert keys(source.fetch(elon(), ["000000001"])) == ["000000001"]


def test_both_ways_give_equal_pairs(shard):
    assert TarSource(shard).find(elon()).found == TarSource(shard, use_index=False).find(elon()).found


def test_a_missing_parquet_is_no_problem(shard):
    Path(shard).with_suffix(".parquet").unlink()
    harvest = TarSource(shard).find(elon())
    assert (len(harvest.found), harvest.problems, harvest.searched) == (len(NAMING), [], "tar")
    assert len(TarSource(shard).others(elon())) == len(CAPTIONS) - len(NAMING)


@pytest.mark.parametrize("data", [b"", b"PAR1", not_utf8()], ids=["empty", "damaged", "not_utf8"])
def test_a_damaged_parquet_is_reported_and_not_used(shard, data):
    Path(shard).with_suffix(".parquet").write_bytes(data)
    harvest = TarSource(shard).find(elon())
    assert len(harvest.found) == len(NAMING)
    (problem,) = harvest.problems
    assert problem.startswith("00000.parquet cannot be searched: ")
    assert problem.endswith("Captions were read from the tar.")
    assert len(TarSource(shard).others(elon())) == len(CAPTIONS) - len(NAMING)
    assert TarSource(shard).captions(1) == CAPTIONS[:1]


def test_a_parquet_that_lies_is_reported_and_not_believed(tmp_path):
    pairs = [("a", b"Elon Musk", png(0)), ("b", b"a lake", png(1)), ("c", b"Elon Musk, too", png(2))]
    rows = [("a", "Elon Musk"), ("b", "Elon Musk"), ("c", "a tree")]
    harvest = TarSource(write_pair(tmp_path / "0.tar", pairs, rows)).find(elon())
    assert keys(harvest) == ["a", "c"]
    assert harvest.problems == [
        "0.tar does not agree with its parquet: the captions of 'b' differ. Captions were read from the tar."
    ]


def test_a_tar_without_matches_is_not_opened(shard):
    Path(shard).unlink()
    source = TarSource(shard)
    from slug_lightning.curation.query import Query

    harvest = source.find(Query("nobody"))
    assert (harvest.found, harvest.pairs) == ([], len(CAPTIONS))
    with pytest.raises(DataNotFoundError, match="cannot be opened"):
        source.find(elon())


def test_a_lost_shard_is_reported_if_it_may_be(tmp_path):
    source = TarSource(str(tmp_path / "none.tar"), missing="skip")
    harvest = source.find(elon())
    assert (harvest.found, harvest.pairs) == ([], 0)
    assert "none.tar' cannot be opened" in harvest.problems[0]
    assert source.others(elon()) == source.captions(3) == []
    strict = TarSource(str(tmp_path / "none.tar"))
    for ask in (strict.find, strict.others):
        with pytest.raises(DataNotFoundError, match="none.tar' cannot be opened"):
            ask(elon())


def test_an_address_that_leads_nowhere_is_a_lost_shard(tmp_path):
    nowhere = f"pipe:cat {tmp_path}/none.tar 2>/dev/null"
    for ask in (TarSource(nowhere).find, TarSource(nowhere).others):
        with pytest.raises(
            DataNotFoundError, match="Expected a tar at 'pipe:cat .*' but got none; check the"
        ):
            ask(elon())
    lenient = TarSource(nowhere, missing="skip")
    assert "but got none" in lenient.find(elon()).problems[0]
    assert lenient.others(elon()) == []


def test_what_is_no_tar_is_a_problem(tmp_path):
    (tmp_path / "0.tar").write_bytes(b"no tar" * 500)
    (tmp_path / "1.tar").write_bytes(b"")
    assert TarSource(str(tmp_path / "0.tar")).find(elon()).problems == ["0.tar is not a tar."]
    assert TarSource(str(tmp_path / "1.tar")).find(elon()).problems == ["1.tar is empty (0 bytes)."]


def test_captions_that_are_null_are_counted(tmp_path):
    pairs = [("a", b"Elon Musk", png(0)), ("b", b"", png(1))]
    harvest = TarSource(write_pair(tmp_path / "0.tar", pairs, [("a", "Elon Musk"), ("b", None)])).find(elon())
    assert (keys(harvest), harvest.counts) == (["a"], {"no_caption": 1})


def test_keys_that_come_twice_are_drawn_once(tmp_path):
    source = TarSource(write_pair(tmp_path / "0.tar", [], [("a", "x"), ("a", "y")]))
    assert source.others(elon()) == ["a"]


def test_the_state_changes_with_tar_and_parquet(shard):
    source, seen = TarSource(shard), set()
    seen.add(source.state)
    write_index(Path(shard).with_suffix(".parquet"), [("a", "x")])
    seen.add(source.state)
    Path(shard).write_bytes(b"")
    seen.add(source.state)
    assert len(seen) == 3
    assert TarSource("https://host/0.tar").state == ""


def test_tar_and_parquet_may_be_urls(shard):
    import fsspec

    for ending in ("tar", "parquet"):
        data = Path(shard).with_suffix(f".{ending}").read_bytes()
        with fsspec.open(f"memory://source/0.{ending}", "wb") as file:
            file.write(data)
    source = TarSource("memory://source/0.tar")
    harvest = source.find(elon())
    assert harvest.found == TarSource(shard).find(elon()).found
    assert (harvest.searched, harvest.problems) == ("0.parquet", [])
    assert source.others(elon()) == TarSource(shard).others(elon())
    alone = TarSource("memory://source/0.tar", use_index=False).find(elon())
    assert (alone.found, alone.searched) == (harvest.found, "tar")
