"""Damaged shards, each a function of a seed: the same on every machine."""

import gzip
import io
import random
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from tests.data.tars import extension, header, pair

BLOCK = 512
PAIRS = 7
FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


@dataclass(frozen=True)
class Damaged:
    """A damaged shard.

    Attributes:
        data: Its bytes.
        suffix: ``.tar`` or ``.tar.gz``.
        faithful: Whether contents that can be read must be those of the original; damage inside a picture or
            caption, or with a checksum made right again, cannot be noticed.
        story: What was done, for the message of a failing test.
    """

    data: bytes
    suffix: str
    faithful: bool
    story: str


@cache
def original(form: int) -> bytes:
    """A shard of seven pairs, some under names that need extended headers."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=FORMATS[form]) as tar:
        for number in range(PAIRS):
            long = "long/" * 30 if number % 3 == 1 and form else ""
            for name, data in pair(number, f"{long}{'é' if number % 2 and form else ''}{number:09d}"):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@cache
def members(form: int) -> tuple[bytes, ...]:
    """The original in pieces: each member with all its headers, and the end."""
    data = original(form)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        starts = [member.offset for member in tar]
    end = len(data.rstrip(b"\0")) // BLOCK * BLOCK + BLOCK
    edges = [*starts, end, len(data)]
    return tuple(data[a:b] for a, b in pairwise(edges))


def damaged(seed: int) -> Damaged:
    """The shard of a seed."""
    rng = random.Random(seed)
    form, faithful = rng.randrange(3), rng.random() < 0.5
    data, names = original(form), []
    chosen = rng.choices(FAITHFUL if faithful else FAITHFUL + ANY, k=rng.choice([1, 1, 1, 2, 3]))
    for damage in sorted(
        chosen, key=(cut, cut_at_a_block).__contains__
    ):  # else a picture goes on in other data
        names.append(damage.__name__)
        data = damage(data, form, rng)
    suffix = ".tar"
    if rng.random() < 0.25:
        data, suffix = gzip.compress(data, 1, mtime=0), ".tar.gz"
        if not faithful and rng.random() < 0.5:
            names.append("packed")
            data = flip_bits(cut(data, form, rng) if rng.random() < 0.5 else data, form, rng)
    return Damaged(data, suffix, faithful, f"seed {seed}: {FORMATS[form]} {' '.join(names)} {suffix}")


def _somewhere(data: bytes, rng: random.Random) -> int:
    return rng.randrange(max(1, len(data) // BLOCK)) * BLOCK


def _headers(data: bytes) -> list[int]:
    """Blocks that are headers, by their magic."""
    return [at for at in range(0, len(data), BLOCK) if data[at + 257 : at + 262] == b"ustar"] or [0]


# Damage after which whatever is still read is what was written.


def cut(data: bytes, form: int, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def cut_at_a_block(data: bytes, form: int, rng: random.Random) -> bytes:
    return data[: _somewhere(data, rng)]


def flip_a_header_bit(data: bytes, form: int, rng: random.Random) -> bytes:
    """One bit, which the checksum notices."""
    at = rng.choice(_headers(data)) + rng.randrange(BLOCK)
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] if at < len(data) else data


def blank_a_header(data: bytes, form: int, rng: random.Random) -> bytes:
    at = rng.choice(_headers(data))
    return data[:at] + rng.choice([bytes(BLOCK), b"rubbish ".ljust(BLOCK, b"!")]) + data[at + BLOCK :]


def rearrange_members(data: bytes, form: int, rng: random.Random) -> bytes:
    """Members lost, doubled or out of order."""
    pieces = list(members(form))
    end = pieces.pop()
    for _ in range(rng.randint(1, 4)):
        kind, at = rng.randrange(3), rng.randrange(len(pieces))
        if kind == 0:
            del pieces[at]
        elif kind == 1:
            pieces.insert(rng.randrange(len(pieces)), pieces[at])
        else:
            other = rng.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
    return b"".join(pieces) + end


def concatenate(data: bytes, form: int, rng: random.Random) -> bytes:
    """Two tars in one file, with or without the end mark of the first, or with rubbish behind."""
    behind = rng.choice([original(rng.randrange(3)), rng.randbytes(700), bytes(5000)])
    return (data.rstrip(b"\0") if rng.random() < 0.3 else data) + behind


def empty(data: bytes, form: int, rng: random.Random) -> bytes:
    return rng.choice([b"", b"\0", bytes(512), bytes(10240), b"<html>404</html>", rng.randbytes(3000)])


# Damage that may change what is read.


def flip_bits(data: bytes, form: int, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 8) if data else 0):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def move_blocks(data: bytes, form: int, rng: random.Random) -> bytes:
    """Blocks swapped, deleted or doubled."""
    blocks = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)] or [b""]
    for _ in range(rng.randint(1, 3)):
        one, other = rng.randrange(len(blocks)), rng.randrange(len(blocks))
        kind = rng.randrange(3)
        if kind == 0:
            blocks[one], blocks[other] = blocks[other], blocks[one]
        elif kind == 1 and len(blocks) > 1:
            del blocks[one]
        else:
            blocks.insert(other, blocks[one])
    return b"".join(blocks)


def shift(data: bytes, form: int, rng: random.Random) -> bytes:
    """Bytes taken out or put in."""
    at, length = rng.randrange(len(data) + 1), rng.choice([1, 100, 512, 5000])
    return data[:at] + (rng.randbytes(length) + data[at:] if rng.random() < 0.5 else data[at + length :])


SIZES = (
    b"77777777777\0", b"-0000001000\0", b"\x80" + b"\xff" * 11, b"\xff" * 8 + b"\0" * 4, b"00000000017\0",
    b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7, b"            ", b"0x000001000\0", b"00000000000\0",
)  # fmt: skip
NAMES = (b"../x.jpg", b"/etc/x.txt", b"", b".txt", b"a" * 100, b"__key__.jpg", b"x.", b"\xff\xfe.jpg", b"x/")


def lie_in_a_header(data: bytes, form: int, rng: random.Random) -> bytes:
    """A field of a header replaced, with the checksum made right again."""
    at = rng.choice(_headers(data))
    block = bytearray(data[at : at + BLOCK].ljust(BLOCK, b"\0"))
    kind = rng.randrange(5)
    if kind == 0:
        block[124:136] = rng.choice(SIZES)
    elif kind == 1:
        block[156] = rng.choice(b"01234567LKxgSVXDMN\0z")
    elif kind == 2:
        block[0:100] = rng.choice(NAMES).ljust(100, b"\0")
    elif kind == 3:
        block[345:500] = rng.randbytes(155)
    else:
        block[rng.randrange(BLOCK)] = rng.randrange(256)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return data[:at] + bytes(block) + data[at + BLOCK :]


RECORDS = (
    b"13 size=1000\n", b"30 size=999999999999999999999\n", b"13 size=-100\n", b"12 path=x.y\n", b"0 x=y\n",
    b"99999 path=x\n", b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n", b"26 GNU.sparse.size=100000\n",
    b"27 GNU.sparse.name=x/y.jpg\n", b"21 hdrcharset=BINARY\n", b"1" * 5000, b"9 x=\xff\xfe\n",
    b"13 path=a\0b.c\n",
)  # fmt: skip


def insert_an_extension(data: bytes, form: int, rng: random.Random) -> bytes:
    """A pax header, long name or sparse header, honest or not, in front of a member."""
    at = rng.choice(_headers(data))
    payload = rng.choice(
        [*RECORDS, b"".join(rng.choices(RECORDS, k=3)), b"a/" * rng.randrange(1, 20_000) + b"\0"]
    )
    kind = rng.choice([b"x", b"x", b"g", b"L", b"K", b"X", b"S"])
    put = extension(kind, payload) * rng.choice([1, 1, 1, 2, 30, 300])
    if rng.random() < 0.3:
        put = header("lie", rng.choice([1 << 40, 1 << 33, 70_000, 100]), kind) + payload
    return data[:at] + put + data[at:]


def lie_about_a_picture(data: bytes, form: int, rng: random.Random) -> bytes:
    """A picture of a claimed size that it does not have, in the place of a member."""
    side = rng.choice([0, 1, 30_000, 1 << 31])
    chunk = b"IHDR" + side.to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    at = rng.choice(_headers(data))
    return data[:at] + header("000000099.png", len(picture)) + picture.ljust(BLOCK, b"\0") + data[at:]


Damage = Callable[[bytes, int, random.Random], bytes]
FAITHFUL: list[Damage] = [
    cut, cut_at_a_block, flip_a_header_bit, blank_a_header, rearrange_members, concatenate, empty
]  # fmt: skip
ANY: list[Damage] = [
    flip_bits, move_blocks, shift, lie_in_a_header, lie_in_a_header, insert_an_extension, insert_an_extension,
    lie_about_a_picture,
]  # fmt: skip
