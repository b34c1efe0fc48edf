import io
import random
import subprocess
import tarfile
import time

import pytest

from slug_lightning.data.headers import MAX_EXTENSIONS, Ending, HeaderWalk
from slug_lightning.data.members import ShardReader
from slug_lightning.data.samples import iter_samples
from tests.data.tars import extension, header

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


class Bytes:
    def __init__(self, data):
        self.file, self.size = io.BytesIO(data), len(data)
        self.read = self.file.read

    def goto(self, offset):
        self.file.seek(min(offset, self.size))
        return offset <= self.size


def walk(data, start=0):
    found = HeaderWalk(Bytes(data), start)
    return list(found), found.ending


def drawn(rng, format_):
    """A tar with members of all kinds and names of all lengths."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format_) as tar:
        for i in range(12):
            longest = 90 if format_ == tarfile.USTAR_FORMAT else 400
            info = tarfile.TarInfo(f"{'é' * rng.randrange(longest // 2)}{i}.jpg")
            info.type = rng.choice(
                [tarfile.REGTYPE] * 4 + [tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE]
            )
            info.linkname = "x" * rng.randrange(longest) if info.issym() else ""
            info.size = rng.choice([0, 1, 511, 512, 513, 5000]) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(rng.randbytes(info.size)))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_members_are_those_that_tarfile_finds(kind):
    rng = random.Random(1)
    for _ in range(20):
        data = drawn(rng, FORMATS[kind])
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            expected = [(m.name, m.size, m.offset, m.offset_data) for m in tar if not m.isdir()]
        found, ending = walk(data)
        assert [(h.name, h.size, h.offset, h.data) for h in found] == expected
        assert ending is Ending.WHOLE


@pytest.mark.parametrize("form", ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix"])
def test_sparse_members_are_passed_over_as_gnu_tar_writes_them(tmp_path, form):
    with (tmp_path / "x.jpg").open("wb") as file:
        for i in range(40):
            file.seek(i * 100_000)
            file.write(b"x" * 4096)
    (tmp_path / "x.txt").write_bytes(b"seven")
    command = f"tar --sparse --format={form} -cf x.tar x.jpg x.txt"
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    found, ending = walk((tmp_path / "x.tar").read_bytes())
    assert [(h.name, h.regular) for h in found] == [("x.jpg", False), ("x.txt", True)]
    assert ending is Ending.WHOLE


def test_endings():
    whole = header("a.txt", 5) + b"seven".ljust(512, b"\0")
    mark = bytes(1024)
    for data, ending in [
        (whole + mark, Ending.WHOLE),
        (whole + bytes(512), Ending.WHOLE),
        (whole + mark + bytes(9000), Ending.WHOLE),
        (whole, Ending.TRUNCATED),
        (whole[:600], Ending.TRUNCATED),
        (whole + mark + whole + mark, Ending.CONTINUED),
        (whole + b"rubbish".ljust(512) + mark, Ending.DAMAGED),
        (whole + header("x", 5, b"L") + b"b.txt".ljust(512, b"\0") + mark, Ending.DAMAGED),
    ]:
        found, ended = walk(data)
        assert ([h.name for h in found], ended) == (["a.txt"], ending)
    assert walk(b"rubbish" * 100) == ([], Ending.UNREADABLE)
    assert walk(b"") == ([], Ending.UNREADABLE)


LYING = {
    "a long name of a terabyte": header("x", 1 << 40, b"L") + b"a" * 4096,
    "a pax header of a terabyte": header("x", 1 << 40, b"x") + b"a" * 4096,
    "a negative size": header("x", -512, b"L"),
    "a record longer than its header": extension(b"x", b"999 path=x\n"),
    "a record of length zero": extension(b"x", b"0 path=x\n"),
    "no record": extension(b"x", b"path\n"),
    "a size that is none": extension(b"x", b"13 size=-1e9\n"),
    "a global size": extension(b"g", b"11 size=10\n"),
}


@pytest.mark.parametrize("lie", LYING)
def test_extensions_that_lie_end_the_walk(lie):
    found, ending = walk(LYING[lie] + header("a.txt", 0) + bytes(1024))
    assert (found, ending) == ([], Ending.DAMAGED)


def test_chains_of_extensions_are_bounded():
    long = extension(b"L", b"b.txt\0")
    for count, ending in [(MAX_EXTENSIONS, Ending.WHOLE), (MAX_EXTENSIONS + 1, Ending.DAMAGED)]:
        data = long * count + header("a.txt", 0) + bytes(1024)
        found, ended = walk(data)
        assert ([h.name for h in found], ended) == (["b.txt"] * (ending is Ending.WHOLE), ending)


@pytest.mark.parametrize("payload", [b"1" * 65_000, b"a/" * 32_000 + b"\0", b"1 " * 32_000, b"./" * 32_000])
@pytest.mark.parametrize("kind", [b"x", b"L", b"K"])
def test_no_extension_takes_more_than_linear_time(tmp_path, kind, payload):
    path = tmp_path / "0.tar"
    path.write_bytes((extension(kind, payload) + header("x.jpg", 0)) * 20 + bytes(1024))
    started = time.perf_counter()
    with ShardReader(str(path)) as reader:
        list(iter_samples(reader))
    assert time.perf_counter() - started < 2  # quadratic: minutes
