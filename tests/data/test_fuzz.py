"""Thousands of damaged shards: none crashes a reader, hangs it, or makes it lose count.

A failing case is named by its seed: ``damaged(seed)`` builds its shard again.
"""

import gzip
import signal
from contextlib import contextmanager

import pytest
import torch

from slug_lightning.data.census import count_shard, take_census
from slug_lightning.data.groups import GroupedPairs
from slug_lightning.data.images import decode_image
from slug_lightning.data.members import ShardReader
from slug_lightning.data.samples import iter_samples
from slug_lightning.data.shards import iter_pairs
from slug_lightning.errors import BadDataError
from tests.data.mutations import PAIRS, damaged, members, original
from tests.data.tars import pair

SECONDS = 10  # for one shard, read more than ten times; a few hundredths are usual


class TooSlowError(BaseException):
    """Not an ``Exception``, so that no reader takes it for damaged data."""


@contextmanager
def in_time(seconds):
    def stop(*_):
        raise TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # of the processor: a busy machine fails no test
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def pixels(image):
    return torch.frombuffer(bytearray(image.resize((24, 16)).tobytes()), dtype=torch.uint8) / 255


def tokens(captions):
    return torch.tensor([list(caption.encode()[:40].ljust(40)) for caption in captions])


@pytest.fixture(scope="module")
def written():
    """What may be read from a shard that was damaged faithfully: captions and pictures."""
    found = set()
    for number in range(PAIRS):
        (_, picture), _, (_, caption) = pair(number)
        found.add((caption.decode(), decode_image(picture).tobytes()))
    return found


@pytest.fixture
def dense_marks(monkeypatch):
    """A place to begin reading at every second sample, so that small shards have some."""
    for module in ("census", "ranges"):
        monkeypatch.setattr(f"slug_lightning.data.{module}.MARK_EVERY", 2)


def read_groups(census, world_size):
    """All groups of all ranks by number."""
    groups = {}
    for rank in range(world_size):
        for batch in GroupedPairs(census, 3, pixels, tokens, "retain", rank, world_size):
            if batch["group"] >= 0:
                assert batch["group"] not in groups
                groups[batch["group"]] = batch
    return {
        number: (b["key"], b["image"].tolist(), b["text"].tolist(), b["skipped"])
        for number, b in sorted(groups.items())
    }


def read_stream(path):
    skipped = {}
    pairs = [(p.key, p.caption, p.image.tobytes()) for p in iter_pairs(str(path), skipped)]
    return pairs, skipped


def check(seed, folder, written):
    shard = damaged(seed)
    path = folder / f"0{shard.suffix}"
    path.write_bytes(shard.data)
    pairs, skipped = read_stream(path)
    assert read_stream(path) == (pairs, skipped)
    assert not shard.faithful or all(p[1:] in written for p in pairs)
    try:
        census = take_census(str(path))
    except BadDataError:
        assert not pairs
        assert not skipped
        return "refused"
    assert census == take_census(str(path))
    assert census.samples == len(pairs) + sum(skipped.values())
    alone = read_groups(census, 1)
    for world_size in (1, 2, 3):
        assert read_groups(census, world_size) == alone
    assert [key for keys, *_ in alone.values() for key in keys] == [key for key, *_ in pairs]
    assert sum(n for *_, counts in alone.values() for n in counts.values()) == sum(skipped.values())
    for i, mark in enumerate(census.shards[0].marks):
        with ShardReader(str(path), mark) as reader:
            assert sum(1 for _ in iter_samples(reader)) == census.samples - 2 * i
    if shard.suffix == ".tar":
        packed = folder / "packed.tar.gz"
        packed.write_bytes(gzip.compress(shard.data, 1))
        assert read_stream(packed) == (pairs, skipped)
        assert count_shard(str(packed)).ending is census.shards[0].ending
    return "problem" if census.problems else "whole"


def check_all(seeds, folder, written):
    outcomes = {"whole": 0, "problem": 0, "refused": 0}
    for seed in seeds:
        try:
            with in_time(SECONDS):
                outcomes[check(seed, folder, written)] += 1
        except BaseException as error:
            error.add_note(damaged(seed).story)
            raise
    assert min(outcomes.values()) > len(seeds) // 50, outcomes  # no kind of outcome is missing


def test_pieces_make_the_original():
    for form in range(3):
        assert b"".join(members(form)) == original(form)
        assert len(members(form)) == 3 * PAIRS + 1


@pytest.mark.usefixtures("dense_marks")
def test_damaged_shards(tmp_path, written):
    check_all(range(300), tmp_path, written)


@pytest.mark.slow
@pytest.mark.usefixtures("dense_marks")
@pytest.mark.parametrize("start", range(1000, 11_000, 2000))
def test_thousands_of_damaged_shards(tmp_path, written, start):
    check_all(range(start, start + 2000), tmp_path, written)
