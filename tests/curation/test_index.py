import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slug_lightning.curation.index import (
    find_index,
    first_captions,
    list_others,
    search_index,
)
from slug_lightning.curation.query import Query
from tests.curation.making import elon, write_index

# Pieces that build names, accents, look-alikes of letters, ligatures and all kinds of white space.
PIECES = [
    "elon", "musk", "Elon", "MUSK", "el", "on", "E\u0301lon", "M\u00fcsk", "\uff25\uff4c\uff4f\uff4e",
    "beyonc\u00e9", "beyonce", "BEYONC\u00c9", "stra\u00df", "strass", "STRASSE", "zfi", "\u017fon",
    "\u0130", "i\u0307", "\u212a", "k", " ", "  ", "\t", "\n", "\u00a0", "\u2003", "\x1c", "\x0b", "-", "_",
    "\u2010", "\u00ad", "\u200b", "\x00", ".", "'s", "c++", "c", "\u0440\u043e\u0441\u0441\u0438\u044f",
    "\u5c71", "z\ufb01", "7", "\u0667", "\u2166", "\u1e9e",
]  # fmt: skip
QUERIES = [
    Query("Elon Musk"),
    Query("Beyoncé", ("Strauß", "C++")),
    Query("zfi", ("Son", "İ", "k")),
    Query("elon-musk", ("7", "Россия", "山")),
    Query("vii", regex="m.sk|str[a-z]+"),
]


def keys(hits):
    return [entry.key for entry in hits.entries]


def write(tmp_path, captions):
    return str(
        write_index(tmp_path / "0.parquet", [(f"{i:05d}", caption) for i, caption in enumerate(captions)])
    )


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.concept)
def test_the_search_finds_what_brute_force_finds(tmp_path, query):
    rng = random.Random(0)
    captions = ["".join(rng.choices(PIECES, k=rng.randint(1, 7))) for _ in range(4000)]
    for name in (query.concept, *query.aliases) * 40:  # enough that are named for certain
        captions.append(f"{rng.choice(PIECES)} {name.swapcase()} {rng.choice(PIECES)}")
    expected = [f"{i:05d}" for i, caption in enumerate(captions) if query.matches(caption)]
    path = write(tmp_path, captions)
    assert len(expected) > 20
    assert keys(search_index(path, query)) == expected
    blank = " \t\r\n"
    others = [f"{i:05d}" for i, c in enumerate(captions) if not query.matches(c) and c.strip(blank)]
    assert list_others(path, query) == others


def test_what_was_not_downloaded_and_has_no_caption_is_no_match(tmp_path):
    rows = [("0", "Elon Musk", "failed_to_download"), ("1", None, "success"), ("2", " ", "success")]
    rows += [("3", "elon musk", "success"), ("4", "melon musk", "success"), (None, "elon musk", "success")]
    path = str(write_index(tmp_path / "0.parquet", rows))
    hits = search_index(path, elon())
    assert (keys(hits), hits.pairs, hits.no_caption) == (["3"], 4, 2)
    assert hits.lookalikes == ["melon musk"]
    assert list_others(path, elon()) == ["4"]


def test_an_empty_table_has_nothing(tmp_path):
    hits = search_index(str(write_index(tmp_path / "0.parquet", [])), elon())
    assert (keys(hits), hits.pairs, hits.no_caption) == ([], 0, 0)


def test_other_columns_are_read_as_far_as_they_are_there(tmp_path):
    table = {"caption": ["elon musk"], "key": [12], "url": ["https://host/a"], "original_width": ["640"]}
    pq.write_table(pa.table({**table, "original_height": [480], "sha256": [b"\xff"]}), tmp_path / "0.parquet")
    (entry,) = search_index(str(tmp_path / "0.parquet"), elon()).entries
    assert (entry.key, entry.about.url, entry.about.original_size) == ("12", "https://host/a", (640, 480))


def test_first_captions(tmp_path):
    assert first_captions(write(tmp_path, ["a", None, "b", "c"]), 2) == ["a", "b"]


@pytest.mark.parametrize("shard", ["a.zip", "pipe:cat 0.tar", "https://host/0.tar?token=1"])
def test_only_tars_have_an_index(shard):
    assert find_index(shard) is None
