"""Pairs whose captions are at hand as rows: what folders of images and saved data sets have in common."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from slug_lightning.curation.harvest import About, FoundPair, Harvest
from slug_lightning.curation.query import Query
from slug_lightning.data.images import decode_image
from slug_lightning.data.reasons import BadMemberError, SkipReason
from slug_lightning.data.samples import IMAGE_SUFFIXES, decode_caption

CHUNK = 5_000  # rows in one source: what is kept of an interrupted run, and what one process holds in memory

_SUFFIX = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png", b"RIFF": "webp", b"GIF8": "gif", b"BM": "bmp"}


@dataclass(frozen=True)
class Row:
    """One row: a key of its own, a caption if there is one, and a url if it is known."""

    key: str
    caption: str | None
    url: str = ""


def find_rows(rows: Iterable[Row], query: Query, read: Callable[[Row], bytes], name: str) -> Harvest:
    """Pairs whose caption names the concept.

    Args:
        rows: All rows of the source, in order.
        query: What to look for.
        read: Gives the encoded image of a row, or raises ``BadMemberError``.
        name: What the captions are read from.
    """
    harvest = Harvest(searched=name)
    for number, row in enumerate(rows):
        harvest.pairs = number + 1
        try:
            judgement = query.judge(caption := usable_caption(row))
            if judgement == "names":
                harvest.matched += 1
                harvest.found.append(_pair(number, row, read(row), query))
            elif judgement == "resembles":
                harvest.note(caption)
        except BadMemberError as error:
            harvest.counts[error.reason.value] += 1
        if harvest.is_full(query):
            break
    return harvest


def fetch_rows(
    rows: Iterable[Row], query: Query, keys: Sequence[str], read: Callable[[Row], bytes], name: str
) -> Harvest:
    """Usable pairs out of ``keys``; those that name the concept are ``excluded``."""
    harvest, wanted = Harvest(searched=name), set(keys)
    for number, row in enumerate(rows):
        if row.key not in wanted:
            continue
        wanted.discard(row.key)
        harvest.pairs += 1
        try:
            if query.matches(usable_caption(row)):
                raise BadMemberError(SkipReason.EXCLUDED, row.key)
            harvest.found.append(_pair(number, row, read(row), query))
        except BadMemberError as error:
            harvest.counts[error.reason.value] += 1
    return harvest


def other_rows(rows: Iterable[Row], query: Query) -> list[str]:
    """Keys of the rows with a caption that does not name the concept."""
    keys = []
    for row in rows:
        try:
            if not query.matches(usable_caption(row)):
                keys.append(row.key)
        except BadMemberError:
            continue
    return keys


def usable_caption(row: Row) -> str:
    """The caption as readers of shards would read it.

    Raises:
        BadMemberError: With the reason why there is none.
    """
    if row.caption is None:
        raise BadMemberError(SkipReason.NO_CAPTION, row.key)
    # Text that was no UTF-8 in its file comes as surrogates, and is refused as bytes.
    return decode_caption(row.caption.encode("utf-8", "surrogatepass"))


def _pair(number: int, row: Row, image: bytes, query: Query) -> FoundPair:
    decode_image(image, query.max_pixels)
    assert row.caption is not None
    return FoundPair(number, row.key, row.caption, image, _suffix(row.key, image), About(row.url))


def _suffix(name: str, image: bytes) -> str:
    named = PurePath(name).suffix[1:].lower()
    if named in IMAGE_SUFFIXES:
        return named
    return next(suffix for magic, suffix in _SUFFIX.items() if image.startswith(magic))
