"""The headers of a tar, one after another, in time and memory that grow with the bytes read alone.

``tarfile`` trusts what a header says: it reads an extended header of any claimed size, follows chains of
them by recursion, and searches them with patterns that take quadratic time. Shards come from the web, so
they are walked here with bounds. Members are those that ``tarfile`` finds in a sound tar; a test compares.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

BLOCK = 512
MAX_EXTENSION_BYTES = 64 * 1024  # a long name or a pax header; writers need a few hundred
MAX_EXTENSIONS = 8  # in a row, before one member

_PAX, _GLOBAL, _LONG_NAME, _LONG_LINK = (b"x", b"X"), b"g", b"L", b"K"
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_WITHOUT_CONTENTS = frozenset(tarfile.SUPPORTED_TYPES) - {*_REGULAR, tarfile.GNUTYPE_SPARSE}
_LENGTH = re.compile(rb"(\d{1,6}) ")
_TAIL = 1 << 20


class Ending(StrEnum):
    """How a shard ends: with its end mark, before it, in rubbish, not at all, or before it began."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    CONTINUED = "continued"
    INFLATED = "inflated"
    UNREADABLE = "unreadable"
    LOST = "lost"


class Source(Protocol):
    """Bytes of a tar, compressed or not."""

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only at the end."""

    def goto(self, offset: int) -> bool:
        """Move to a byte, not back in a stream; whether the tar is that long."""


@dataclass(frozen=True)
class Header:
    """What the headers of one member say.

    Attributes:
        name: Name of the member.
        regular: Whether it is a plain file, neither link, device nor sparse.
        size: Bytes of contents.
        offset: Byte at which its first header begins.
        data: Byte at which its contents begin.
        end: Byte at which the next header begins.
    """

    name: str
    regular: bool
    size: int
    offset: int
    data: int
    end: int


class HeaderWalk:
    """Walks the members of a tar, folders left out; the contents are not touched.

    Args:
        source: The tar.
        start: Byte of the header to begin at.

    Attributes:
        ending: How the tar ends, after the walk.
    """

    def __init__(self, source: Source, start: int = 0) -> None:
        self.ending = Ending.WHOLE
        self._source = source
        self._at = start

    def __iter__(self) -> Iterator[Header]:
        while self._source.goto(self._at):
            try:
                header = self._next()
            except _EndError as end:
                self.ending = end.ending
                return
            if header is not None:
                yield header
        self.ending = Ending.TRUNCATED

    def _next(self) -> Header | None:
        """The next member, or ``None`` for a folder."""
        offset = self._at
        said: dict[str, str] = {}
        for extensions in range(MAX_EXTENSIONS + 1):
            block = self._block(self._at == 0, extensions > 0)
            if block.kind not in (*_PAX, _GLOBAL, _LONG_NAME, _LONG_LINK):
                self._skip_sparse_map(block.more)
                return self._member(block, said, offset)
            said = {**self._extension(block), **said}  # the outermost counts
        raise _EndError(Ending.DAMAGED)

    def _block(self, first: bool, extended: bool) -> "_Block":
        data = self._read(BLOCK, Ending.UNREADABLE if first else Ending.TRUNCATED)
        if not any(data):
            raise _EndError(Ending.DAMAGED if extended else self._after_mark())
        try:
            block = _parse(data)
        except ValueError as error:
            raise _EndError(Ending.UNREADABLE if first else Ending.DAMAGED) from error
        if block.size < 0:
            raise _EndError(Ending.DAMAGED)
        return block

    def _extension(self, block: "_Block") -> dict[str, str]:
        """What an extended header says about the member behind it."""
        if block.size > MAX_EXTENSION_BYTES:
            raise _EndError(Ending.DAMAGED)
        data = self._read(_padded(block.size))[: block.size]
        if block.kind == _LONG_NAME:
            return {"path": _text(data)}
        if block.kind == _LONG_LINK:
            return {}
        records = _records(data)
        if block.kind == _GLOBAL:
            if "path" in records or "size" in records:  # would govern all that follows
                raise _EndError(Ending.DAMAGED)
            return {}
        return records

    def _member(self, block: "_Block", said: dict[str, str], offset: int) -> Header | None:
        size = _number(said["size"]) if "size" in said else block.size
        data = self._at
        self._at = data + (0 if block.kind in _WITHOUT_CONTENTS else _padded(size))
        if block.kind == tarfile.DIRTYPE:
            return None
        regular = block.kind in _REGULAR and not any(key.startswith("GNU.sparse.") for key in said)
        name = said.get("GNU.sparse.name", said.get("path", block.name))
        return Header(name, regular, size, offset, data, self._at)

    def _skip_sparse_map(self, more: bool) -> None:
        """Old GNU sparse members may have more header blocks, each of which says whether one follows."""
        while more:
            more = bool(self._read(BLOCK)[504])

    def _read(self, size: int, otherwise: Ending = Ending.TRUNCATED) -> bytes:
        data = self._source.read(size)
        self._at += len(data)
        if len(data) < size:
            raise _EndError(otherwise)
        return data

    def _after_mark(self) -> Ending:
        """Zeros end a tar; anything behind them, a second tar perhaps, is never read and must be said."""
        while data := self._source.read(_TAIL):
            if data.count(0) != len(data):
                return Ending.CONTINUED
        return Ending.WHOLE


class _EndError(Exception):
    """There is no further header."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.value)
        self.ending = ending


@dataclass(frozen=True)
class _Block:
    """The fields of a header block that count here; ``more``: blocks of a sparse map follow."""

    name: str
    kind: bytes
    size: int
    more: bool


def _parse(block: bytes) -> _Block:
    """A header block, or ``ValueError`` if its checksum is not right or its numbers are none."""
    said, field = _integer(block[148:156]), block[148:156]
    total = sum(block) - sum(field) + 256
    if said != total and said != total - 256 * sum(b > 127 for b in block[:148] + block[156:]):
        raise ValueError("checksum")  # old writers summed signed bytes
    name, kind = _text(block[:100]), block[156:157]
    if kind == tarfile.AREGTYPE and name.endswith("/"):
        kind = tarfile.DIRTYPE
    if block[345] and kind not in tarfile.GNU_TYPES:
        name = f"{_text(block[345:500])}/{name}"
    return _Block(name, kind, _integer(block[124:136]), kind == tarfile.GNUTYPE_SPARSE and bool(block[482]))


def _integer(field: bytes) -> int:
    """A number in octal digits or, behind a byte 128 or 255, in binary."""
    if field[0] in (128, 255):
        return int.from_bytes(field[1:], "big") - (256 ** (len(field) - 1) if field[0] == 255 else 0)
    return int(field.partition(b"\0")[0].strip() or b"0", 8)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _records(data: bytes) -> dict[str, str]:
    """Records ``length key=value`` of a pax header."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        length = _LENGTH.match(data, at)
        end = at + int(length[1]) if length else at
        key, equals, value = data[length.end() if length else at : end].partition(b"=")
        if not (equals and value.endswith(b"\n")) or end > len(data):
            raise _EndError(Ending.DAMAGED)
        found[key.decode("utf-8", "replace")] = value[:-1].decode("utf-8", "replace")
        at = end
    return found


def _number(digits: str) -> int:
    if not re.fullmatch(r"[0-9]{1,20}", digits):
        raise _EndError(Ending.DAMAGED)
    return int(digits)
