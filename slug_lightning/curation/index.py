"""Searching captions in the parquet file that img2dataset writes beside a tar, with DuckDB.

SQL only finds candidates, and never loses a pair: it keeps every caption that is not ASCII, and those of
ASCII, for which folding is lower case, in which all words of a name occur as pieces. ``Query`` has the last
word.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from slug_lightning.curation.harvest import About
from slug_lightning.curation.query import Query
from slug_lightning.data.members import is_local
from slug_lightning.errors import SlugError

if TYPE_CHECKING:
    import duckdb

_TAR = (".tar.gz", ".tgz", ".tar")
_OPTIONAL = {"url": "VARCHAR", "sha256": "VARCHAR", "original_width": "INTEGER", "original_height": "INTEGER"}


_EMPTY = "(trim(coalesce(caption, ''), e' \\t\\r\\n') = '')"


class IndexUnusableError(SlugError, ValueError):
    """A parquet is there but cannot be searched; the sentence says why."""


class NoIndexError(SlugError, FileNotFoundError):
    """There is no parquet."""


@dataclass(frozen=True)
class Entry:
    """A row of the index: a pair by key, what its caption is said to be and what else is said."""

    key: str
    caption: str
    about: About


@dataclass
class Hits:
    """What a search found.

    Attributes:
        pairs: Rows of pairs that were downloaded.
        no_caption: Those without a caption.
        entries: Rows that name the concept, in order.
        lookalikes: Captions that only resemble it.
    """

    pairs: int
    no_caption: int
    entries: list[Entry] = field(default_factory=list)
    lookalikes: list[str] = field(default_factory=list)


def find_index(shard: str) -> str | None:
    """Path or url of the parquet that belongs to a shard; it may not exist.

    Example:
        >>> find_index("s3://bucket/00003.tar"), find_index("data/00003.tar.gz"), find_index("pipe:cat x.tar")
        ('s3://bucket/00003.parquet', 'data/00003.parquet', None)
    """
    ending = next((end for end in _TAR if shard.endswith(end)), None)
    if ending is None or shard.startswith("pipe:"):
        return None
    return f"{shard.removesuffix(ending)}.parquet"


def search_index(path: str, query: Query) -> Hits:
    """Rows of an index that name the concept.

    Args:
        path: Path or url of a parquet with ``key`` and ``caption``; ``status`` and others are used if there.
        query: What to look for.

    Raises:
        NoIndexError: If it is not there.
        IndexUnusableError: If it is damaged, not img2dataset's, or has captions that are not UTF-8.
    """
    condition, words = _candidates(query)

    def sql(columns: _Columns) -> str:
        entry = ", ".join(["'key': key", "'caption': caption", *columns.optional])
        return (
            f"SELECT count(*) FILTER (WHERE {columns.fetched}), "
            f"count(*) FILTER (WHERE {columns.fetched} AND {_EMPTY}), "
            f"list({{{entry}}} ORDER BY file_row_number) "
            f"FILTER (WHERE {columns.fetched} AND caption IS NOT NULL AND {condition}) FROM ({columns.table})"
        )

    ((pairs, empty, rows),) = _ask(path, sql, words)
    hits = Hits(pairs, empty)
    for row in rows or []:
        judgement = query.judge(row["caption"])
        if judgement == "names":
            hits.entries.append(Entry(row["key"], row["caption"], About.of(row)))
        elif judgement == "resembles":
            hits.lookalikes.append(row["caption"])
    return hits


def list_others(path: str, query: Query) -> list[str]:
    """Keys of the rows that have a caption and do not name the concept, in order.

    Raises:
        NoIndexError, IndexUnusableError: As ``search_index``.
    """
    condition, words = _candidates(query)

    def sql(columns: _Columns) -> str:
        return (
            f"SELECT key, CASE WHEN {condition} THEN caption END FROM ({columns.table}) "
            f"WHERE {columns.fetched} AND NOT {_EMPTY} ORDER BY file_row_number"
        )

    rows = _ask(path, sql, words)
    return [key for key, caption in rows if caption is None or not query.matches(caption)]


def first_captions(path: str, count: int) -> list[str]:
    """The first captions of an index.

    Raises:
        NoIndexError, IndexUnusableError: As ``search_index``.
    """
    rows = _ask(path, lambda c: f"SELECT caption FROM ({c.table}) WHERE caption IS NOT NULL LIMIT {count:d}")
    return [caption for (caption,) in rows]


def _candidates(query: Query) -> tuple[str, list[str]]:
    """Condition that holds for every caption that names the concept, and its parameters."""
    if query.regex is not None:
        return "TRUE", []  # what a pattern needs cannot be told from the pattern
    names = [words for words in query.words if all(word.isascii() for word in words)]
    pieces = [" AND ".join(["contains(lower(caption), ?)"] * len(words)) for words in names]
    parts = ["strlen(caption) > length(caption)", *(f"({piece})" for piece in pieces)]
    return f"({' OR '.join(parts)})", [word for words in names for word in words]


@dataclass(frozen=True)
class _Columns:
    """The table with the columns that all files share, what else an entry has, and which rows are pairs."""

    table: str
    optional: tuple[str, ...]
    fetched: str


def _columns(file: Path, path: str) -> _Columns:
    described = _connect().execute("DESCRIBE SELECT * FROM read_parquet(?)", [_glob(file)]).fetchall()
    kinds = {name: kind for name, kind, *_ in described}
    if kinds.get("caption") != "VARCHAR" or "key" not in kinds:
        raise IndexUnusableError(
            f"{Path(path).name} cannot be searched: expected text columns 'key' and 'caption' but got "
            f"{sorted(kinds)[:12]}."
        )
    known = {name: kind for name, kind in _OPTIONAL.items() if name in kinds}
    cast = [f"TRY_CAST({name} AS {kind}) AS {name}" for name, kind in known.items()]
    status = "status" if "status" in kinds else "'success' AS status"
    chosen = ", ".join(["file_row_number", "CAST(key AS VARCHAR) AS key", "caption", status, *cast])
    table = f"SELECT {chosen} FROM read_parquet(?, file_row_number = true)"
    return _Columns(
        table, tuple(f"'{name}': {name}" for name in known), "status = 'success' AND key IS NOT NULL"
    )


def _ask(path: str, sql: Callable[[_Columns], str], words: Sequence[str] = ()) -> list[Any]:
    """Rows of a query over the table; ``words`` are its parameters before that of the file."""
    with _at_hand(path) as file:
        try:
            columns = _columns(file, path)
            return _connect().execute(sql(columns), [*words, _glob(file)]).fetchall()
        except _errors() as error:
            raise _unusable(path, error) from error


def _errors() -> type[Exception]:
    import duckdb

    return duckdb.Error


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


@contextmanager
def _at_hand(path: str) -> Iterator[Path]:
    """The file itself, or a copy of what a url names.

    A shard's parquet has a few megabytes: to copy it is one request, where reading footer and columns would
    be many, and works with servers that give no ranges.
    """
    if is_local(path):
        if not Path(path).is_file():
            raise NoIndexError(f"There is no '{path}'.")
        yield Path(path)
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
            raise _unusable(path, error) from error
        yield copy


def _unusable(path: str, error: Exception) -> IndexUnusableError:
    reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
    return IndexUnusableError(f"{Path(path).name} cannot be searched: {reason}")
