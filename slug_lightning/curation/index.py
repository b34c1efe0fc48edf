"""Searching captions in the parquet file that img2dataset writes beside a tar.

SQL only finds candidates, and never loses a pair: it keeps every caption that is not ASCII, and those of
ASCII, for which folding is lower case, in which all words of a name occur as pieces. ``Query`` has the last
word.
"""

from dataclasses import dataclass, field

from slug_lightning.curation.caption_table import EMPTY, CaptionTable, open_table
from slug_lightning.curation.harvest import About
from slug_lightning.curation.query import Query

_TAR = (".tar.gz", ".tgz", ".tar")


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
    with open_table(path) as table:
        wanted = f"FILTER (WHERE {table.pairs} AND caption IS NOT NULL AND {condition})"
        counts = f"count(*) FILTER (WHERE {table.pairs}), count(*) FILTER (WHERE {table.pairs} AND {EMPTY})"
        lists = f"list(row ORDER BY row) {wanted}, list(caption ORDER BY row) {wanted}"
        ((pairs, empty, rows, captions),) = table.ask(f"{counts}, {lists}", [*words, *words])
        hits, found = Hits(pairs, empty), []
        for row, caption in zip(rows or [], captions or [], strict=True):
            judgement = query.judge(caption)
            if judgement == "names":
                found.append(row)
            elif judgement == "resembles":
                hits.lookalikes.append(caption)
        hits.entries = _entries(table, found)
    return hits


def list_others(path: str, query: Query) -> list[str]:
    """Keys of the rows that have a caption and do not name the concept, in order.

    Raises:
        NoIndexError, IndexUnusableError: As ``search_index``.
    """
    condition, words = _candidates(query)
    with open_table(path) as table:
        usable = f"WHERE {table.pairs} AND NOT {EMPTY} ORDER BY row"
        rows = table.ask(f"key, CASE WHEN {condition} THEN caption END", words, usable)
    return [key for key, caption in rows if caption is None or not query.matches(caption)]


def first_captions(path: str, count: int) -> list[str]:
    """The first captions of an index.

    Raises:
        NoIndexError, IndexUnusableError: As ``search_index``.
    """
    with open_table(path) as table:
        rows = table.ask("caption", rest=f"WHERE caption IS NOT NULL ORDER BY row LIMIT {count:d}")
    return [caption for (caption,) in rows]


def _entries(table: CaptionTable, rows: list[int]) -> list[Entry]:
    """All that is known of a few rows; what is not asked for is not read from the file."""
    if not rows:
        return []
    names = [column.rpartition(" AS ")[2] for column in table.columns]
    chosen = f"WHERE row IN ({', '.join(map(str, rows))}) ORDER BY row"
    found = [dict(zip(names, values, strict=True)) for values in table.ask(", ".join(names), rest=chosen)]
    return [Entry(row["key"], row["caption"], About.of(row)) for row in found]


def _candidates(query: Query) -> tuple[str, list[str]]:
    """Condition that holds for every caption that names the concept, and its parameters."""
    if query.regex is not None:
        return "TRUE", []  # what a pattern needs cannot be told from the pattern
    names = [words for words in query.words if all(word.isascii() for word in words)]
    pieces = [" AND ".join(["contains(lower(caption), ?)"] * len(words)) for words in names]
    parts = ["strlen(caption) > length(caption)", *(f"({piece})" for piece in pieces)]
    return f"({' OR '.join(parts)})", [word for words in names for word in words]
