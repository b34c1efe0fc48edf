"""Small shards for tests, drawn from numbers."""

import io
import tarfile
import zlib
from pathlib import Path

from PIL import Image


def picture(number: int, size: tuple[int, int] = (24, 16), kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (number % 256, number // 7 % 256, 90)).save(buffer, kind)
    return buffer.getvalue()


def pair(number: int, key: str | None = None) -> list[tuple[str, bytes]]:
    key = f"{number:09d}" if key is None else key
    return [
        (f"{key}.jpg", picture(number)),
        (f"{key}.json", b"{}"),
        (f"{key}.txt", f"a seven, number {number}".encode()),
    ]


def write_tar(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def write_pairs(path: Path, numbers: range) -> Path:
    return write_tar(path, [member for number in numbers for member in pair(number)])


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    chunks = [b"IHDR" + header, b"IDAT" + zlib.compress(b""), b"IEND"]
    framed = [(len(c) - 4).to_bytes(4, "big") + c + zlib.crc32(c).to_bytes(4, "big") for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def header(name: str, size: int, kind: bytes = b"0") -> bytes:
    """A tar header that may claim anything, with a right checksum."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def extension(kind: bytes, payload: bytes) -> bytes:
    """An extended header: ``x`` and ``g`` for pax records, ``L`` for a long name."""
    return header("extension", len(payload), kind) + payload + bytes(-len(payload) % 512)


def png_bomb(side: int = 30_000) -> bytes:
    """A PNG of 2.6 MB whose pixels are zeros, 900 million of them."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    pixels = b"\x78\x9c" + piece * (side * (3 * side + 1) // (1 << 24) + 1)
    data = b"IDAT" + pixels
    chunk = (len(pixels)).to_bytes(4, "big") + data + zlib.crc32(data).to_bytes(4, "big")
    start = png_header(side, side)
    return start[:33] + chunk + start[-12:]
