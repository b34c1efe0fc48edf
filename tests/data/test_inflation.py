import bz2
import gzip
import io
import lzma
import random
import resource
import time
import zlib

import pytest

from slug_lightning.data import inflation
from slug_lightning.data.census import count_shard
from slug_lightning.data.headers import Ending
from slug_lightning.data.inflation import Inflated, is_compressed
from tests.data.tars import header, write_pairs

COMPRESS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def inflated(data):
    return Inflated(io.BytesIO(data).read)


@pytest.mark.parametrize("kind", COMPRESS)
def test_bytes_are_those_that_were_packed_however_they_are_read(kind):
    rng = random.Random(2)
    plain = rng.randbytes(200_000) + bytes(3_000_000) + rng.randbytes(100_000)
    packed = COMPRESS[kind](plain)
    assert is_compressed(packed)
    for sizes in ([10**9], [1, 70_000], [512], [2_000_000]):
        stream, found = inflated(packed), b""
        while data := stream.read(rng.choice(sizes)):
            found += data
        assert found == plain
        assert stream.flaw is None


@pytest.mark.parametrize("kind", COMPRESS)
def test_streams_in_a_row_are_one_and_what_follows_is_left_alone(kind):
    pack = COMPRESS[kind]
    for tail in (b"", bytes(100), b"rubbish"):
        stream = inflated(pack(b"one") + pack(b"two") + tail)
        assert (stream.read(100), stream.flaw) == (b"onetwo", None)


@pytest.mark.parametrize("kind", COMPRESS)
def test_cut_and_damaged_streams_end(kind):
    plain = random.Random(3).randbytes(300_000)
    packed = COMPRESS[kind](plain)
    cut = inflated(packed[:-1000])
    assert plain.startswith(cut.read(10**9))
    assert cut.flaw is None
    for seed in range(30):
        data = bytearray(packed)
        data[random.Random(seed).randrange(len(data))] ^= 0x10
        stream = inflated(bytes(data))
        stream.read(10**9)
        assert stream.flaw in (None, Ending.DAMAGED)


@pytest.mark.parametrize("kind", COMPRESS)
def test_how_far_a_bomb_unpacks_does_not_depend_on_how_it_is_read(monkeypatch, kind):
    monkeypatch.setattr(inflation, "FREE_BYTES", 3_000_000)
    packed = COMPRESS[kind](bytes(60_000_000))
    lengths = set()
    for size in (512, 10_000, 10**9):
        stream = inflated(packed)
        lengths.add(sum(len(data) for data in iter(lambda s=stream, n=size: s.read(n), b"")))
        assert stream.flaw is Ending.INFLATED
    assert len(lengths) == 1
    assert lengths.pop() < 20_000_000


@pytest.mark.parametrize("kind", ["gzip", "bzip2"])
def test_a_bomb_of_many_gigabytes_is_named_in_seconds(tmp_path, kind):
    """40 GB of zeros in one lying member, behind three good pairs."""
    start = write_pairs(tmp_path / "start.tar", range(3)).read_bytes().rstrip(b"\0")
    start += bytes(-len(start) % 512) + header("000000009.jpg", 40 << 30)
    path = tmp_path / "0.tar.gz"
    path.write_bytes(bomb(kind, start))
    assert path.stat().st_size < 50_000_000
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    counted = count_shard(str(path))
    assert time.perf_counter() - started < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB
    assert (counted.samples, counted.ending) == (4, Ending.INFLATED)
    assert counted.problem == "0.tar.gz is a decompression bomb after 4 samples."


def bomb(kind, start):
    if kind == "bzip2":
        return bz2.compress(start) + bz2.compress(bytes(45_000_000)) * 800
    packer = zlib.compressobj(9, wbits=31)
    piece = zlib.compressobj(9, wbits=31)
    zeros = piece.compress(bytes(1 << 24)) + piece.flush()
    return packer.compress(start) + packer.flush() + zeros * 2500
