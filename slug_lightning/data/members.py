"""The members of one shard, in order, without reading what nobody asks for.

A plain local tar is walked header by header and contents are read on demand; a compressed tar or a url is
streamed. Both give the same members. Shards come from the web: sizes lie, names point elsewhere, files end
early. None of that raises here; it ends the walk, and ``ShardReader.ending`` says how.
"""

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from webdataset.gopen import Pipe, gopen, gopen_schemes

from slug_lightning.data.headers import Ending, Header, HeaderWalk
from slug_lightning.data.inflation import Inflated, is_compressed
from slug_lightning.data.reasons import BadMemberError, SkipReason
from slug_lightning.errors import DataNotFoundError

MAX_MEMBER_BYTES = 128 * 1024 * 1024

_STEP = 1 << 20


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


@dataclass(frozen=True)
class FileState:
    """Size in bytes and time of the last change in nanoseconds, by which a change is noticed."""

    size: int
    modified: int

    def same(self, other: "FileState") -> bool:
        """Whether the file is unchanged, to the second: some file systems forget the fractions."""
        return self.size == other.size and self.modified // 10**9 == other.modified // 10**9


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
        seekable: Whether another reader may begin at the offset of a member.

    Raises:
        DataNotFoundError: If the file or url cannot be opened.
    """

    def __init__(self, shard: str, start: int = 0) -> None:
        self.shard = shard
        self.ending = Ending.WHOLE
        self._start = start
        self._hash, self._broken = hashlib.sha256(), False
        try:
            self._file = _open_bytes(shard)
            self._head = self._file.read(6)
        except (OSError, ValueError, ImportError) as error:
            raise DataNotFoundError(f"Shard '{shard}' cannot be opened: {error}.") from error
        self._hash.update(self._head)
        self.seekable = is_local(shard) and not is_compressed(self._head)

    def __enter__(self) -> "ShardReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file or end the command."""
        with contextlib.suppress(OSError):  # a pipe that is left early reports that it broke
            self._file.close()

    def __iter__(self) -> Iterator[Member]:
        source = _Seekable(self._file) if self.seekable else _Stream(self._raw, is_compressed(self._head))
        walk = HeaderWalk(source, self._start)
        for header in walk:
            read = source.reader(header)
            yield Member(header.name, header.regular and _stays_inside(header.name), header.offset, read)
        unread = walk.ending is Ending.UNREADABLE
        self.ending = walk.ending if unread else source.flaw or walk.ending

    def state(self) -> FileState:
        """Of the file that is open, even if another one has its name by now; local shards only."""
        about = os.fstat(self._file.fileno())
        return FileState(about.st_size, about.st_mtime_ns)

    def digest(self) -> str:
        """Read to the end and return the SHA-256 of all the shard's bytes; after the walk.

        Raises:
            DataNotFoundError: If the disk or the network fails.
        """
        if self.seekable:
            return self._file_digest()
        while self._raw(_STEP):
            pass
        if isinstance(self._file, Pipe):
            self._file.close()  # now its status is known
            self._broken |= bool(self._file.status)
        if self._broken and self.ending is Ending.WHOLE:
            self.ending = Ending.TRUNCATED
        return self._hash.hexdigest()

    def _file_digest(self) -> str:
        try:
            self._file.seek(0)
            return hashlib.file_digest(cast(io.BufferedReader, self._file), "sha256").hexdigest()
        except OSError as error:
            raise DataNotFoundError(f"Shard '{self.shard}' cannot be read: {error}.") from error

    def _raw(self, size: int) -> bytes:
        """Next bytes of a streamed shard, hashed on the way."""
        head, self._head = self._head[:size], self._head[size:]
        try:
            data = self._file.read(size - len(head))
        except OSError:
            data, self._broken = b"", True
        self._hash.update(data)
        return head + data


def read_member(shard: str, offset: int) -> bytes:
    """Contents of one member of a plain local tar.

    Args:
        shard: Path of the tar.
        offset: Where the member begins, ``Member.offset``.

    Raises:
        BadMemberError: ``no_image`` if there is no tar or no member any more, or as ``Member.read``.
    """
    try:
        with ShardReader(shard, offset) as reader:
            member = next(iter(reader), None) if reader.seekable else None
            if member is not None:
                return member.read()
    except DataNotFoundError as error:
        raise BadMemberError(SkipReason.NO_IMAGE, str(error)) from error
    raise BadMemberError(SkipReason.NO_IMAGE, f"nothing at byte {offset}")


def _open_bytes(shard: str) -> BinaryIO:
    if is_local(shard):
        return Path(shard).open("rb")
    scheme = shard.partition(":")[0]
    if scheme not in gopen_schemes:  # s3, abfs, memory, ... and what other packages register
        import fsspec

        return cast(BinaryIO, fsspec.open(shard, "rb").open())
    file = gopen(shard)
    if isinstance(file, Pipe):
        file.ignore_errors = True  # else what it gave before it failed is lost, or not, by timing
    return cast(BinaryIO, file)


class _Seekable:
    """A file that never asks for bytes behind its end, so that a lying size allocates nothing."""

    def __init__(self, file: BinaryIO) -> None:
        self.flaw: Ending | None = None
        self._file = file
        self._size = file.seek(0, 2)

    def goto(self, offset: int) -> bool:
        if offset <= self._size:
            self._file.seek(offset)
        return offset <= self._size

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(max(0, min(size, self._size - self._file.tell())))
        except OSError:  # a disk or a network that fails
            self.flaw = Ending.DAMAGED
            return b""

    def reader(self, header: Header) -> Callable[[], bytes]:
        """What reads the contents of a member, if it is asked to."""

        def read() -> bytes:
            _check_size(header.size)
            fits = self.goto(header.data + header.size) and self.goto(header.data)
            return _whole(self.read(header.size) if fits else b"", header.size)

        return read


class _Stream:
    """Bytes that come once, in order."""

    def __init__(self, read: Callable[[int], bytes], compressed: bool) -> None:
        self._inflated = Inflated(read) if compressed else None
        self._next = self._inflated.read if self._inflated else read
        self._at = 0

    @property
    def flaw(self) -> Ending | None:
        return self._inflated.flaw if self._inflated else None

    def goto(self, offset: int) -> bool:
        while self._at < offset:
            if not self.read(min(_STEP, offset - self._at)):
                return False
        return True

    def read(self, size: int) -> bytes:
        data = self._next(size)
        self._at += len(data)
        return data

    def reader(self, header: Header) -> Callable[[], bytes]:
        """Read a member at once, since a stream does not come back; errors wait until they are asked for."""
        data = b""
        if header.regular and header.size <= MAX_MEMBER_BYTES:
            data = self.read(header.size)

        def read() -> bytes:
            _check_size(header.size)
            return _whole(data, header.size)

        return read


def _whole(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise BadMemberError(SkipReason.TRUNCATED, "the shard ends inside it")
    return data


def _check_size(size: int) -> None:
    if size > MAX_MEMBER_BYTES:
        raise BadMemberError(SkipReason.TOO_LARGE, f"{size:,} bytes")


def _stays_inside(name: str) -> bool:
    parts = re.split(r"[/\\]", name)
    return ".." not in parts and parts[0] != "" and not re.match(r"^[a-zA-Z]:", name)
