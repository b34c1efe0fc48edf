"""The parquet file of a shard as a table that DuckDB asks."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from slug_lightning.data.members import is_local
from slug_lightning.errors import SlugError

if TYPE_CHECKING:
    import duckdb

_OPTIONAL = {"url": "VARCHAR", "sha256": "VARCHAR", "original_width": "INTEGER", "original_height": "INTEGER"}

# Few captions begin with white space, and trimming all of them would take half of the time.
EMPTY = (
    "(CASE WHEN caption IS NULL OR caption = '' THEN true WHEN ascii(caption) > 32 THEN false "
    "ELSE trim(caption, e' \\t\\r\\n') = '' END)"
)


class IndexUnusableError(SlugError, ValueError):
    """A parquet is there but cannot be searched; the sentence says why."""


class NoIndexError(SlugError, FileNotFoundError):
    """There is no parquet."""


@dataclass(frozen=True)
class CaptionTable:
    """A parquet with ``key`` and ``caption``, and ``status`` if it is there.

    Attributes:
        file: The file.
        name: What errors call it.
        columns: Its columns out of ``row``, ``key``, ``caption`` and those that say more of a pair.
        pairs: Condition for rows of pairs that were downloaded.
    """

    file: Path
    name: str
    columns: tuple[str, ...]
    pairs: str

    def ask(self, select: str, words: Sequence[str] = (), rest: str = "") -> list[Any]:
        """Rows of ``SELECT {select} FROM table {rest}``.

        Args:
            select: What to select; ``?`` stands for each of ``words``, in order.
            words: Parameters.
            rest: What follows the table.

        Raises:
            IndexUnusableError: If the file is damaged or has text that is not UTF-8.
        """
        table = f"SELECT {', '.join(self.columns)} FROM read_parquet(?, file_row_number = true)"
        sql = f"SELECT {select} FROM ({table}) {rest}"
        return _execute(self.name, sql, [*words, _glob(self.file)])


@contextmanager
def open_table(path: str) -> Iterator[CaptionTable]:
    """The table of a parquet; the file itself, or a copy of what a url names.

    A shard's parquet has a few megabytes: to copy it is one request, where reading footer and columns would
    be many, and works with servers that give no ranges.

    Args:
        path: Path, or a url that fsspec knows.

    Raises:
        NoIndexError: If it is not there.
        IndexUnusableError: If it cannot be read or is not img2dataset's.
    """
    if is_local(path):
        if not Path(path).is_file():
            raise NoIndexError(f"There is no '{path}'.")
        yield _describe(Path(path), Path(path).name)
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder, "index.parquet")
        try:
            import fsspec

            system, inner = fsspec.core.url_to_fs(path)
            system.get_file(inner, str(copy))
        except FileNotFoundError as error:
            raise NoIndexError(f"There is no '{path}'.") from error
        except Exception as error:  # each file system raises its own kinds
            raise _unusable(Path(path).name, error) from error
        yield _describe(copy, Path(path).name)


def _describe(file: Path, name: str) -> CaptionTable:
    described = _execute(name, "DESCRIBE SELECT * FROM read_parquet(?)", [_glob(file)])
    kinds = {column: kind for column, kind, *_ in described}
    if kinds.get("caption") != "VARCHAR" or "key" not in kinds:
        raise IndexUnusableError(
            f"{name} cannot be searched: expected text columns 'key' and 'caption' but got "
            f"{sorted(kinds)[:12]}."
        )
    known = [f"TRY_CAST({c} AS {kind}) AS {c}" for c, kind in _OPTIONAL.items() if c in kinds]
    status = "status" if "status" in kinds else "'success' AS status"
    columns = ("file_row_number AS row", "CAST(key AS VARCHAR) AS key", "caption", status, *known)
    return CaptionTable(file, name, columns, "(status = 'success' AND key IS NOT NULL)")


def _execute(name: str, sql: str, parameters: Sequence[Any]) -> list[Any]:
    import duckdb

    try:
        return _connect().execute(sql, parameters).fetchall()
    except duckdb.Error as error:
        raise _unusable(name, error) from error


@cache
def _connect() -> "duckdb.DuckDBPyConnection":
    """One connection a process, on one thread: shards are what is shared out. Nothing is downloaded."""
    import duckdb

    offline = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    uncached = {"enable_external_file_cache": "false"}  # every file is read once
    return duckdb.connect(":memory:", config={"threads": 1, **offline, **uncached})


def _glob(path: Path) -> str:
    """The path as a pattern that only it matches: DuckDB expands patterns."""
    return re.sub(r"([\[*?])", r"[\1]", str(path))


def _unusable(name: str, error: Exception) -> IndexUnusableError:
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return IndexUnusableError(f"{name} cannot be searched: {reason}")
