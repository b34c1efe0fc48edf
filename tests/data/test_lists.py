import os
from pathlib import Path

import pytest

from slug_lightning.data.lists import list_folder, read_every_line, read_lines
from slug_lightning.errors import BadDataError, DataNotFoundError


def test_blank_lines_are_left_out_and_numbers_stay(tmp_path):
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa 1\r\n\r\n  b 2 \n")
    assert read_lines(tmp_path / "list.txt", "") == [(1, "a 1"), (3, "b 2")]
    assert read_every_line(tmp_path / "list.txt", "") == ["a 1", "", "b 2"]


def test_missing_and_unreadable_lists_are_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"'.*list\.txt' is missing; ask for it\."):
        read_lines(tmp_path / "list.txt", "ask for it.")
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadDataError, match="Expected UTF-8 text"):
        read_lines(tmp_path / "list.txt", "")


def test_a_pipe_is_no_list_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "list.txt")
    with pytest.raises(DataNotFoundError, match="is missing"):
        read_lines(tmp_path / "list.txt", "")


def test_what_may_not_be_read_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text("a 1")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DataNotFoundError, match=r"list\.txt' cannot be read: Permission denied; check it"):
        read_lines(tmp_path / "list.txt", "")
    with pytest.raises(DataNotFoundError, match="cannot be read: Permission denied"):
        list_folder(tmp_path)
