"""Unpacking gzip, bzip2 and xz streams piece by piece, so that a bomb fills neither memory nor time."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from slug_lightning.data.headers import Ending

# Shards hold compressed images, which barely shrink; headers and padding of tiny pictures shrink tenfold.
MAX_RATIO = 200
FREE_BYTES = 64 * 1024 * 1024  # below this the ratio does not matter

_PIECE = 64 * 1024
_STEP = 1 << 20


class _Decompressor(Protocol):
    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor, with the face that those of ``bz2`` and ``lzma`` have."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)  # gzip header and checksum

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


_KINDS: dict[bytes, Callable[[], object]] = {
    b"\x1f\x8b": _Gzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lambda: lzma.LZMADecompressor(memlimit=1 << 30),
}


def is_compressed(head: bytes) -> bool:
    """Whether a file with these first bytes is a gzip, bzip2 or xz stream.

    Example:
        >>> import gzip
        >>> is_compressed(gzip.compress(b"x")), is_compressed(b"00000.jpg")
        (True, False)
    """
    return head.startswith(tuple(_KINDS))


class Inflated:
    """The unpacked bytes of a compressed stream; several streams in a row are one, as for ``gzip -d``.

    How far it unpacks depends on the stream alone, not on how it is read.

    Args:
        read: Gives the next so many compressed bytes, fewer only at the end.

    Attributes:
        flaw: Why it ends before the stream does: ``damaged``, or ``inflated`` above ``MAX_RATIO``.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.flaw: Ending | None = None
        self._take = read
        self._packed = read(_PIECE)
        self._taken, self._made = len(self._packed), 0
        self._ready = bytearray()
        self._inner = self._begin()

    def read(self, size: int) -> bytes:
        """The next ``size`` unpacked bytes, fewer only at the end."""
        while len(self._ready) < size and self._inner is not None:
            self._unpack(self._inner)
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

    def _begin(self) -> _Decompressor | None:
        for magic, kind in _KINDS.items():
            if self._packed.startswith(magic):
                return kind()  # type: ignore[return-value]
        return None  # the end, or what is behind it

    def _unpack(self, inner: _Decompressor) -> None:
        """One step: at most 64 KiB in, 1 MiB out."""
        if inner.needs_input and not self._packed:
            self._packed = self._take(_PIECE)
            self._taken += len(self._packed)
        packed, self._packed = self._packed, b""
        if not packed and inner.needs_input:
            self._inner = None  # the stream was cut
            return
        try:
            data = inner.decompress(packed, _STEP)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, MemoryError):
            self.flaw, self._inner = Ending.DAMAGED, None
            return
        self._ready += data
        self._made += len(data)
        if self._made > max(FREE_BYTES, MAX_RATIO * self._taken):
            self.flaw, self._inner = Ending.INFLATED, None
        elif inner.eof:
            self._packed = inner.unused_data or self._next_piece()
            self._inner = self._begin()

    def _next_piece(self) -> bytes:
        piece = self._take(_PIECE)
        self._taken += len(piece)
        return piece
