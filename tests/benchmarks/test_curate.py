"""The benchmark of curation finds what it planted and says what was measured on a part."""

import argparse

import pytest

from benchmarks.curate import PARTS, _make, _measure, _table


@pytest.fixture(scope="module")
def options():
    return argparse.Namespace(shards=3, rows=40, tars=2, matches=3)


@pytest.fixture(scope="module")
def parts(options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    _make(folder, options)
    return {part: _measure(part, str(folder), options) for part in PARTS}


def test_every_part_does_what_it_says(parts):
    assert {part: figures["done"] for part, figures in parts.items()} == {
        "search": 120, "curate": 6, "captions": 40, "decode": 40,
    }  # fmt: skip


def test_the_table_multiplies_what_was_measured_on_a_part(parts, options):
    parts = {part: {**figures, "cpu": 2.0} for part, figures in parts.items()}
    table = _table(parts, options)
    assert "| read all captions from the tars (40 measured) | 6.0 s | 20 |" in table
    assert "| search the parquet files | 2.0 s | 60 |" in table
    assert table.endswith("Decoding everything would take 3 times what slug curate takes.")
