import pytest

from slug_lightning.data.lists import read_lines
from slug_lightning.errors import BadDataError, DataNotFoundError


def test_blank_lines_are_left_out_and_numbers_stay(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa 1\r\n\r\n  b 2 \n")
    assert read_lines(tmp_path / "list.txt", "") == [(1, "a 1"), (3, "b 2")]


def test_missing_and_unreadable_lists_are_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"'.*list\.txt' is missing; ask for it\."):
        read_lines(tmp_path / "list.txt", "ask for it.")
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadDataError, match="Expected UTF-8 text"):
        read_lines(tmp_path / "list.txt", "")
