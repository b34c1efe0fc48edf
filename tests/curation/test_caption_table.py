import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slug_lightning.curation.caption_table import EMPTY, IndexUnusableError, NoIndexError, open_table
from slug_lightning.curation.index import list_others, search_index
from tests.curation.making import CAPTIONS, NAMING, elon, write_index


def keys(hits):
    return [entry.key for entry in hits.entries]


def write(tmp_path, captions):
    return str(write_index(tmp_path / "0.parquet", [(f"{i:05d}", c) for i, c in enumerate(captions)]))


def test_a_table_is_asked_for_rows(tmp_path):
    with open_table(write(tmp_path, ["a", "b", None])) as table:
        assert table.ask("key, contains(caption, ?)", ["b"], "ORDER BY row") == [
            ("00000", False), ("00001", True), ("00002", None),
        ]  # fmt: skip


def test_captions_of_white_space_are_empty(tmp_path):
    captions = ["", " ", "\t\r\n ", None, "a", " a", "\u00a0", "\x00", "\x0b", "\n."]
    with open_table(write(tmp_path, captions)) as table:
        empty = [value for (value,) in table.ask(EMPTY, rest="ORDER BY row")]
    assert empty == [caption is None or not caption.strip(" \t\r\n") for caption in captions]


def test_a_path_is_no_pattern(tmp_path):
    folder = tmp_path / "a[1]*?"
    folder.mkdir()
    assert keys(search_index(write(folder, CAPTIONS), elon())) == [f"{i:05d}" for i in NAMING]


def test_a_url_is_read_through_fsspec(tmp_path):
    with fsspec.open("memory://index/0.parquet", "wb") as file:
        file.write(write_index(tmp_path / "0.parquet", [("a", "Elon Musk")]).read_bytes())
    assert keys(search_index("memory://index/0.parquet", elon())) == ["a"]
    with pytest.raises(NoIndexError):
        search_index("memory://index/1.parquet", elon())


def test_http_is_read_even_from_a_server_without_ranges(tmp_path):
    write(tmp_path, CAPTIONS)
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(NoIndexError):
            search_index(f"{url}/1.parquet", elon())
        assert keys(search_index(f"{url}/0.parquet", elon())) == [f"{i:05d}" for i in NAMING]
        server.shutdown()


def not_utf8():
    offsets = pa.py_buffer((0).to_bytes(4, "little") + (4).to_bytes(4, "little"))
    captions = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"el\xffn")])
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table({"key": ["a"], "caption": captions}), buffer)
    return buffer.getvalue().to_pybytes()


def lacks_columns():
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table({"URL": ["a"], "TEXT": ["b"]}), buffer)
    return buffer.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "0.parquet cannot be searched: "),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "0.parquet cannot be searched: "),
        (not_utf8(), "not valid UTF8"),
        (lacks_columns(), r"expected text columns 'key' and 'caption' but got \['TEXT', 'URL'\]"),
    ],
    ids=["empty", "damaged", "not_utf8", "columns"],
)
def test_a_parquet_that_cannot_be_searched_says_why(tmp_path, data, match):
    path = tmp_path / "0.parquet"
    path.write_bytes(data)
    for ask in (search_index, list_others):
        with pytest.raises(IndexUnusableError, match=match):
            ask(str(path), elon())


def test_a_parquet_that_is_cut_says_so(tmp_path):
    path = write_index(tmp_path / "0.parquet", [(str(i), f"caption {i}") for i in range(1000)])
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(IndexUnusableError, match="cannot be searched"):
        search_index(str(path), elon())


def test_an_unknown_scheme_is_unusable():
    with pytest.raises(IndexUnusableError, match="cannot be searched: "):
        search_index("nosuchscheme://x/0.parquet", elon())


def test_no_parquet_is_no_error_of_the_parquet(tmp_path):
    with pytest.raises(NoIndexError, match="There is no"):
        search_index(str(tmp_path / "0.parquet"), elon())
