import pytest

from slug_lightning.errors import BadDataError, DataNotFoundError
from slug_lightning.reports.documents import read_json_object, read_text


def test_a_missing_file_says_what_was_expected(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"No file 'report.json' in .*slug fit"):
        read_json_object(tmp_path / "report.json")


@pytest.mark.parametrize("content", ["", "{", '{"a": 1', "[1, 2"])
def test_broken_json_is_named(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(BadDataError, match=r"report.json .* is not valid JSON"):
        read_json_object(path)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_does_not_have_are_refused(tmp_path, constant):
    path = tmp_path / "report.json"
    path.write_text(f'{{"step": {constant}}}')
    with pytest.raises(BadDataError, match=constant):
        read_json_object(path)


def test_only_an_object_will_do(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("[1]")
    with pytest.raises(BadDataError, match="one JSON object, but got a list"):
        read_json_object(path)


def test_other_encodings_are_refused_and_a_byte_order_mark_is_not(tmp_path):
    path = tmp_path / "layers.csv"
    path.write_bytes("é".encode("latin-1"))
    with pytest.raises(BadDataError, match="not UTF-8"):
        read_text(path)
    path.write_text("é", encoding="utf-8-sig")
    assert read_text(path) == "é"
