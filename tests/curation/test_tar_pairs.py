from pathlib import Path

import pytest

from slug_lightning.curation.index import search_index
from slug_lightning.curation.tar_pairs import DisagreementError, TarPairs
from slug_lightning.data.members import _Seekable
from tests.curation.making import CAPTIONS, NAMING, elon, png, write_pair, write_shards


def positions(harvest):
    return [pair.position for pair in harvest.found]


def search(shard, query=None):
    with TarPairs(str(shard)) as pairs:
        return pairs.search(query or elon())


def read_hits(shard, query=None):
    with TarPairs(str(shard)) as pairs:
        return pairs.read_hits(
            search_index(shard.replace(".tar", ".parquet"), query or elon()), query or elon()
        )


def test_all_captions_of_a_tar_are_searched(tmp_path):
    (shard,) = write_shards(tmp_path, per_shard=100)
    harvest = search(shard)
    assert (positions(harvest), harvest.pairs) == (NAMING, len(CAPTIONS))
    assert harvest.lookalikes == ["melon musk perfume", "elon muskrat"]
    assert not harvest.counts
    assert not harvest.problems
    pair = harvest.found[1]
    assert (pair.key, pair.image, pair.suffix, pair.caption) == (
        "000000003",
        png(3),
        "png",
        "ELON-MUSK, 2019",
    )
    assert (pair.about.url, pair.about.original_size) == ("https://example.com/3", (600, 400))


def test_a_stream_gives_the_same(tmp_path):
    (shard,) = write_shards(tmp_path, per_shard=100)
    assert search(f"pipe:cat {shard}").found == search(shard).found


def test_the_search_stops_at_the_limit(tmp_path):
    (shard,) = write_shards(tmp_path, per_shard=100)
    harvest = search(shard, elon(limit=2))
    assert (positions(harvest), harvest.pairs) == ([0, 3], 4)


def test_stored_captions_keep_their_bytes(tmp_path):
    shard = write_pair(tmp_path / "0.tar", [("a", b"\xef\xbb\xbf Elon  Musk\r\n", png(0))])
    assert search(shard).found[0].caption.encode() == b"\xef\xbb\xbf Elon  Musk\r\n"


def test_unusable_pairs_are_counted_by_reason(tmp_path):
    shard = write_pair(
        tmp_path / "0.tar",
        [
            ("a", b"Elon Musk", b"no image"),
            ("b", b"Elon Musk", None),
            ("c", None, png(1)),
            ("d", b"Elon \xff Musk", png(2)),
            ("e", b"Elon Musk", png(3)[:40]),
            ("f", b"Elon Musk", png(4)),
            ("f", b"Elon Musk", png(5)),
            ("g", b"", png(6)),
            ("../h", b"Elon Musk", png(7)),
        ],
    )
    harvest = search(shard)
    assert harvest.counts == {
        "not_an_image": 1, "no_image": 1, "no_caption": 2, "bad_caption": 1, "broken_image": 1,
        "duplicate_member": 1, "unsafe_name": 1,
    }  # fmt: skip
    assert harvest.found == []
    assert harvest.pairs == 8


def test_a_cut_tar_gives_what_comes_before_and_says_so(tmp_path):
    (shard,) = write_shards(tmp_path, per_shard=100)
    Path(shard).write_bytes(Path(shard).read_bytes()[:22_000])
    harvest = search(shard)
    assert positions(harvest) == [0, 3, 5]
    assert harvest.problems == [
        "00000.tar holds 7 of 13 pairs its 00000_stats.json promises: the file is truncated."
    ]
    indexed = read_hits(shard)
    assert positions(indexed) == [0, 3, 5]
    assert indexed.counts == {"missing": 1}
    assert indexed.problems == harvest.problems


def test_what_an_index_names_is_read_and_the_rest_is_not(tmp_path, monkeypatch):
    big = png(0) + b"\0" * 100_000  # decoders stop at the end of the picture
    pairs = [(f"{i:03d}", b"Elon Musk" if i == 7 else b"a lake", big) for i in range(20)]
    shard = write_pair(tmp_path / "0.tar", pairs, [(key, caption.decode()) for key, caption, _ in pairs])
    taken = []
    read = _Seekable.read

    def counted(self, size):
        taken.append(read(self, size))
        return taken[-1]

    monkeypatch.setattr(_Seekable, "read", counted)
    (pair,) = read_hits(shard).found
    assert (pair.position, pair.image) == (7, big)
    assert len(big) < sum(map(len, taken)) < 2 * len(big) < Path(shard).stat().st_size / 9


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([("a", "Elon Musk"), ("b", "Elon Musk, too")], "captions of 'b' differ"),
        ([("a", "Elon Musk"), ("c", "Elon Musk")], "it does not hold 'c'"),
        ([("a", "Elon Musk"), ("b", "a lake"), ("c", "x")], "it holds 2 pairs, not 3"),
        ([("a", "Elon Musk")], "it holds 2 pairs, not 1"),
        ([("a", "Elon Musk" + " x" * 20_000)], "captions of 'a' differ"),
        ([("a", "Elon Musk \x00x")], "captions of 'a' differ"),
    ],
)
def test_an_index_that_says_something_else_is_noticed(tmp_path, rows, match):
    shard = write_pair(tmp_path / "0.tar", [("a", b"Elon Musk", png(0)), ("b", b"a lake", png(1))], rows)
    with pytest.raises(DisagreementError, match=f"^0.tar does not agree with its parquet: .*{match}"):
        read_hits(shard)


def test_a_pair_without_usable_caption_is_counted_not_disputed(tmp_path):
    shard = write_pair(
        tmp_path / "0.tar",
        [("a", b"\xff", png(0)), ("b", b"Elon Musk", b"")],
        [("a", "Elon Musk"), ("b", "Elon Musk")],
    )
    assert read_hits(shard).counts == {"bad_caption": 1, "not_an_image": 1}


def test_a_limit_stops_before_the_end_is_checked(tmp_path):
    rows = [("a", "Elon Musk"), ("b", "Elon Musk"), ("c", "x")]
    shard = write_pair(tmp_path / "0.tar", [("a", b"Elon Musk", png(0)), ("b", b"Elon Musk", png(1))], rows)
    assert positions(read_hits(shard, elon(limit=1))) == [0]


def test_a_stream_is_read_as_far_as_it_is_needed(tmp_path):
    (shard,) = write_shards(tmp_path, ["Elon Musk", *["a lake"] * 3000], per_shard=5000)
    hits = search_index(shard.replace(".tar", ".parquet"), elon())
    with TarPairs(f"pipe:cat {shard} && touch {tmp_path}/end") as pairs:
        assert positions(pairs.read_hits(hits, elon())) == [0]
    assert not (tmp_path / "end").exists()


def test_drawn_pairs_are_fetched_in_order_and_not_if_they_name_the_concept(tmp_path):
    (shard,) = write_shards(tmp_path, per_shard=100)
    with TarPairs(shard) as pairs:
        others = pairs.others(elon())
    assert others == [f"{i:09d}" for i in range(len(CAPTIONS)) if i not in NAMING]
    with TarPairs(shard) as pairs:
        harvest = pairs.fetch(elon(), ["000000012", "000000001", "000000003", "nowhere"])
    assert positions(harvest) == [1, 12]
    assert harvest.counts == {"excluded": 1, "missing": 1}


def test_captions_are_those_that_can_be_read(tmp_path):
    shard = write_pair(tmp_path / "0.tar", [("a", b"x", None), ("b", b"\xff", None), ("c", b"y", None)])
    with TarPairs(shard) as pairs:
        assert list(pairs.captions()) == ["x", "y"]
