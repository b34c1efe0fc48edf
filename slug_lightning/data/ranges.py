"""Samples by number: opens only the shards that hold them and begins at the nearest mark."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from slug_lightning.data.census import MARK_EVERY, Census, ShardCensus
from slug_lightning.data.members import FileState, ShardReader
from slug_lightning.data.samples import Sample, iter_samples
from slug_lightning.data.shards import Missing
from slug_lightning.errors import BadDataError, DataNotFoundError


@dataclass(frozen=True)
class Numbered:
    """A sample and its number over all shards."""

    number: int
    sample: Sample


def read_ranges(census: Census, spans: Iterable[range], missing: Missing = "refuse") -> Iterator[Numbered]:
    """Samples with the given numbers.

    Args:
        census: Counts of the shards.
        spans: Ascending, disjoint ranges of sample numbers.
        missing: For shards that disappeared or changed since the census: ``refuse`` raises, ``skip`` yields
            samples that are ``lost``, so that none goes uncounted.

    Yields:
        Every sample of the ranges in order. Read it before taking the next one.

    Raises:
        BadDataError: If a shard is not what it was at the census, under ``refuse``.
    """
    starts = census.starts
    by_shard: dict[int, list[range]] = {}
    for span in spans:
        for i in range(max(0, bisect_right(starts, span.start) - 1), len(starts)):
            end = starts[i] + census.shards[i].samples
            if starts[i] >= span.stop:
                break
            if inner := range(max(span.start, starts[i]), min(span.stop, end)):
                by_shard.setdefault(i, []).append(inner)
    for i, inner_spans in by_shard.items():
        local = [range(s.start - starts[i], s.stop - starts[i]) for s in inner_spans]
        for number, sample in _read_or_lose(census.shards[i], local, missing):
            yield Numbered(starts[i] + number, sample)


def changes(census: Census) -> list[str]:
    """One sentence for each local shard that is no longer what was counted."""
    gone = [shard for shard in census.shards if shard.state and not _is_unchanged(shard)]
    return [f"{shard.name} disappeared or changed after it was counted." for shard in gone]


def _read_or_lose(shard: ShardCensus, spans: list[range], missing: Missing) -> Iterator[tuple[int, Sample]]:
    left = deque(number for span in spans for number in span)
    try:
        for number, sample in _read_shard(shard, spans):
            left.popleft()
            yield number, sample
    except BadDataError:
        if missing == "refuse":
            raise
        for number in left:
            yield number, Sample("", {}, 0, lost=True)


def _read_shard(shard: ShardCensus, spans: list[range]) -> Iterator[tuple[int, Sample]]:
    for start, run in _runs(spans, MARK_EVERY if shard.marks else shard.samples + 1):
        with _reopen(shard, shard.marks[start // MARK_EVERY] if shard.marks else 0) as reader:
            seen, wanted = start, iter(run)
            span = next(wanted)
            for number, sample in enumerate(iter_samples(reader), start):
                seen = number + 1
                if number >= span.stop:
                    following = next(wanted, None)
                    if following is None:
                        break
                    span = following
                if number in span:
                    yield number, replace(sample, repeated=number in shard.repeats)
            if seen < run[-1].stop or _differs(shard, reader):
                raise _changed(shard)


def _runs(spans: list[range], stride: int) -> Iterator[tuple[int, list[range]]]:
    """Spans to read in one pass, and the marked number it begins at; a gap with a mark in it is jumped."""
    run: list[range] = []
    for span in spans:
        if run and span.start // stride * stride > run[-1].stop:
            yield run[0].start // stride * stride, run
            run = []
        run.append(span)
    if run:
        yield run[0].start // stride * stride, run


def _reopen(shard: ShardCensus, start: int) -> ShardReader:
    try:
        reader = ShardReader(shard.shard, start)
    except DataNotFoundError as error:
        raise _changed(shard) from error
    if _differs(shard, reader):
        reader.close()
        raise _changed(shard)
    return reader


def _differs(shard: ShardCensus, reader: ShardReader) -> bool:
    return shard.state is not None and not shard.state.same(reader.state())


def _is_unchanged(shard: ShardCensus) -> bool:
    path = Path(shard.shard)
    if not path.is_file() or shard.state is None:
        return False
    about = path.stat()
    return shard.state.same(FileState(about.st_size, about.st_mtime_ns))


def _changed(shard: ShardCensus) -> BadDataError:
    return BadDataError(
        f"Expected {shard.samples:,} samples in '{shard.shard}' but it has changed or disappeared since they "
        "were counted; run again when nothing writes to it, or go on without: set missing_shards to skip."
    )
