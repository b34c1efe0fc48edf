"""The members of one shard, in order, without reading what nobody asks for.

A plain local tar is walked header by header and contents are read on demand; a compressed tar or a url is
streamed. Both give the same members. Shards come from the web: sizes lie, names point elsewhere, files end
early. None of that raises here; it ends the walk, and ``ShardReader.ending`` says how.
"""

import contextlib
import hashlib
import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from webdataset.gopen import Pipe, gopen

from slug_lightning.data.reasons import BadMemberError, SkipReason
from slug_lightning.errors import DataNotFoundError

MAX_MEMBER_BYTES = 128 * 1024 * 1024

_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_BLOCK = 512


class Ending(StrEnum):
    """How a shard ends: with its end mark, too early, in rubbish, or before it began."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Member:
    """One file in a shard.

    Attributes:
        name: Name in the tar, never used as a path.
        safe: Whether it is a regular file under a relative name that stays inside.
        offset: Byte at which its header begins.
        read: Gives its contents, or raises ``BadMemberError`` (``truncated``, ``too_large``).
    """

    name: str
    safe: bool
    offset: int
    read: Callable[[], bytes]


def is_local(shard: str) -> bool:
    """Whether a shard is a file path rather than a url or a ``pipe:`` command.

    Example:
        >>> is_local("data/00000.tar"), is_local("pipe:cat x.tar"), is_local("https://host/x.tar")
        (True, False, False)
    """
    return re.match(r"^(pipe:|[a-zA-Z][a-zA-Z0-9+.-]+://)", shard) is None


class ShardReader:
    """Walks the members of one shard, once; a context manager.

    Args:
        shard: Path, url, or ``pipe:`` command.
        start: Byte of the header to begin at; only for plain local tars.

    Attributes:
        ending: How the shard ends, after the walk.
        seekable: Whether another reader may begin at the offset of a member, after the walk.

    Raises:
        DataNotFoundError: If the file or url cannot be opened.
    """

    def __init__(self, shard: str, start: int = 0) -> None:
        self.shard = shard
        self.ending = Ending.WHOLE
        self._start = start
        self._over = False
        self._hash = hashlib.sha256()
        try:
            self._file = _open_bytes(shard)
        except (OSError, ValueError) as error:
            raise DataNotFoundError(f"Shard '{shard}' cannot be opened: {error}.") from error
        self.seekable = is_local(shard) and not self._file.read(6).startswith(_COMPRESSED)
        if is_local(shard):
            self._file.seek(0)

    def __enter__(self) -> "ShardReader":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # a pipe that is left early reports that it broke
            self._file.close()

    def __iter__(self) -> Iterator[Member]:
        return self._walk() if self.seekable else self._stream()

    def read(self, size: int) -> bytes:
        """Next bytes of a streamed shard, hashed on the way; called by ``tarfile``."""
        if self._over:  # or tarfile skips a lying size to its end, 10 kB at a time
            raise tarfile.ReadError("unexpected end of data")
        data = self._file.read(size)
        self._hash.update(data)
        self._over = not data
        return data

    def drain(self) -> str:
        """Read a streamed shard to its end and return the SHA-256 of all its bytes."""
        while not self._over:
            self.read(1 << 20)
        self._file.close()
        if isinstance(self._file, Pipe) and self._file.status:  # its command failed
            self.ending = Ending.TRUNCATED
        return self._hash.hexdigest()

    def _walk(self) -> Iterator[Member]:
        file = _Bounded(self._file)
        file.seek(self._start)
        tar = self._open(file, "r:")
        if tar is None:
            return
        for info in self._headers(tar):
            yield Member(info.name, _is_safe(info), info.offset, file.reader(info))
        self.seekable = not tar.pax_headers  # a global header governs members far behind it
        if self.ending is Ending.WHOLE:
            self.ending = file.ending_at(tar.offset)
        elif file.tell() >= file.size:
            self.ending = Ending.TRUNCATED

    def _stream(self) -> Iterator[Member]:
        tar = self._open(self, "r|*")
        if tar is None:
            return
        for info in self._headers(tar):
            yield Member(info.name, _is_safe(info), info.offset, _fetch(tar, info))

    def _open(self, file: object, mode: str) -> tarfile.TarFile | None:
        try:
            return tarfile.open(fileobj=file, mode=mode, errors="replace")  # type: ignore[call-overload,no-any-return]
        except Exception:  # tarfile raises many kinds on damaged headers, here and below
            self.ending = Ending.UNREADABLE
            return None

    def _headers(self, tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        while True:
            tar.members = []  # type: ignore[attr-defined]  # or a long walk keeps every header
            try:
                info = tar.next()
            except Exception:
                self.ending = Ending.TRUNCATED if self._over else Ending.DAMAGED
                return
            if info is None:
                if self._over:  # the stream ended before the tar's end mark
                    self.ending = Ending.TRUNCATED
                return
            if info.size < 0 or tar.offset < info.offset_data:  # would walk in circles
                self.ending = Ending.DAMAGED
                return
            if not info.isdir():
                yield info


def _open_bytes(shard: str) -> BinaryIO:
    if is_local(shard):
        return Path(shard).open("rb")
    file = gopen(shard)
    if isinstance(file, Pipe):
        file.ignore_errors = True  # else what it gave before it failed is lost, or not, by timing
    return cast(BinaryIO, file)


class _Bounded:
    """A file that never asks for bytes behind its end, so that a lying size allocates nothing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        return self._file.read(max(0, min(size, self.size - self.tell())))

    def reader(self, info: tarfile.TarInfo) -> Callable[[], bytes]:
        """What reads the contents of a member, if it is asked to."""
        offset, size = info.offset_data, info.size

        def read() -> bytes:
            _check_size(size)
            if offset + size > self.size:
                raise BadMemberError(SkipReason.TRUNCATED, "the shard ends inside it")
            self.seek(offset)
            return self.read(size)

        return read

    def ending_at(self, offset: int) -> Ending:
        """How the shard ends when no header was found at ``offset``."""
        self.seek(offset)
        block = self.read(_BLOCK)
        if len(block) < _BLOCK:
            return Ending.TRUNCATED
        return Ending.DAMAGED if any(block) else Ending.WHOLE


def _fetch(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], bytes]:
    """Read a member of a stream at once, since a stream does not come back; errors wait until asked for."""
    flaw: BadMemberError | None = None
    data = b""
    try:
        _check_size(info.size)
        file = tar.extractfile(info) if info.isreg() else None
        data = file.read() if file is not None else b""
    except BadMemberError as error:
        flaw = error
    except Exception:  # tarfile and the decompressors raise many kinds
        flaw = BadMemberError(SkipReason.TRUNCATED, "the shard ends inside it")

    def read() -> bytes:
        if flaw is not None:
            raise flaw
        return data

    return read


def _check_size(size: int) -> None:
    if size > MAX_MEMBER_BYTES:
        raise BadMemberError(SkipReason.TOO_LARGE, f"{size:,} bytes")


def _is_safe(info: tarfile.TarInfo) -> bool:
    parts = re.split(r"[/\\]", info.name)
    inside = ".." not in parts and parts[0] != "" and not re.match(r"^[a-zA-Z]:", info.name)
    return inside and info.isreg() and not info.issparse()
