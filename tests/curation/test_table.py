import json

import pytest

from slug_lightning.curation.table import Columns, TableRow, read_table
from slug_lightning.errors import BadDataError, DataNotFoundError

ROWS = [TableRow("a.jpg", 'Elon "the" Musk,\nagain', "https://host/a"), TableRow("b.jpg", "a lake")]


def test_csv_tsv_and_json_lines_are_read_alike(tmp_path):
    quoted = '"Elon ""the"" Musk,\nagain"'
    (tmp_path / "a.csv").write_text(
        f"\ufefffile_name,caption,url\na.jpg,{quoted},https://host/a\nb.jpg,a lake,\n", encoding="utf-8"
    )
    (tmp_path / "a.tsv").write_text(
        f"file_name\tcaption\turl\na.jpg\t{quoted}\thttps://host/a\nb.jpg\ta lake\t\n"
    )
    lines = [{"file_name": r.image, "caption": r.caption, "url": r.url} for r in ROWS]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    for name in ("a.csv", "a.tsv", "a.jsonl"):
        assert read_table(tmp_path / name) == ROWS


def test_columns_have_the_names_that_are_given(tmp_path):
    (tmp_path / "a.csv").write_text("path,text,from\na.jpg,a lake,here\n")
    assert read_table(tmp_path / "a.csv", Columns("path", "text", "from")) == [
        TableRow("a.jpg", "a lake", "here")
    ]


def test_captions_that_are_missing_or_no_text_stay_as_none(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        '{"file_name": "a", "caption": null}\n{"file_name": "b"}\n{"caption": 7}\n'
    )
    assert read_table(tmp_path / "a.jsonl") == [TableRow("a", None), TableRow("b", None), TableRow("", None)]
    (tmp_path / "a.csv").write_text("file_name,caption\na\n")
    assert read_table(tmp_path / "a.csv") == [TableRow("a", None)]


def test_captions_that_are_not_utf8_are_kept_to_be_counted(tmp_path):
    (tmp_path / "a.csv").write_bytes(
        b"file_name,caption\na,Elon \xff\nb,ok\x00\n" + b"c," + b"x" * 200_000 + b"\n"
    )
    rows = read_table(tmp_path / "a.csv")
    assert [row.caption[:7] for row in rows] == ["Elon \udcff", "ok\x00", "xxxxxxx"]


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("a.csv", "file,captions\n", r"column 'file_name' in 'a.csv'.*Closest: \['file'\].*--image_column"),
        ("a.csv", "file_name,captions\n", r"column 'caption' .*Closest: \['captions'\].*--caption_column"),
        ("a.csv", "", r"column 'file_name' in 'a.csv' but it has \[\]"),
        ("a.csv", 'file_name,caption\na,"open\n', "a.csv' cannot be read as a table: unexpected end of data"),
        ("a.jsonl", '{"file_name": "a"}\n', "column 'caption'"),
        ("a.jsonl", "[1]\n", "one JSON object a line in .* but line 1 is '.1.'"),
        ("a.jsonl", '{"file_name": "a", "caption": "b"}\n{"file\n', "line 2 is none"),
        ("a.parquet", "x", "Expected a table that ends in .csv, .tsv, .jsonl, .ndjson but got 'a.parquet'"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, text, match):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadDataError, match=match):
        read_table(tmp_path / name)


def test_json_that_nests_without_end_is_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text("[" * 200_000)
    with pytest.raises(BadDataError, match="a.jsonl"):
        read_table(tmp_path / "a.jsonl")


def test_no_table_is_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match="none.csv' is not there; check --table"):
        read_table(tmp_path / "none.csv")
