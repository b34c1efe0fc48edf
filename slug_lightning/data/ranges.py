"""Samples by number: opens only the shards that hold them and begins at the nearest mark."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slug_lightning.data.census import MARK_EVERY, Census, ShardCensus
from slug_lightning.data.members import ShardReader, is_local
from slug_lightning.data.samples import Sample, iter_samples
from slug_lightning.errors import BadDataError


@dataclass(frozen=True)
class Numbered:
    """A sample and its number over all shards."""

    number: int
    sample: Sample


def read_ranges(census: Census, spans: Iterable[range]) -> Iterator[Numbered]:
    """Samples with the given numbers.

    Args:
        census: Counts of the shards.
        spans: Ascending, disjoint ranges of sample numbers.

    Yields:
        Every sample of the ranges in order. Read it before taking the next one.

    Raises:
        BadDataError: If a shard is not what it was at the census.
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
        for number, sample in _read_shard(census.shards[i], local):
            yield Numbered(starts[i] + number, sample)


def _read_shard(shard: ShardCensus, spans: list[range]) -> Iterator[tuple[int, Sample]]:
    _check_unchanged(shard)
    for start, run in _runs(spans, MARK_EVERY if shard.marks else shard.samples + 1):
        with ShardReader(shard.shard, shard.marks[start // MARK_EVERY] if shard.marks else 0) as reader:
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
                    yield number, sample
            if seen < run[-1].stop:
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


def _check_unchanged(shard: ShardCensus) -> None:
    path = Path(shard.shard)
    if is_local(shard.shard) and path.is_file() and path.stat().st_size != shard.size:
        raise _changed(shard)


def _changed(shard: ShardCensus) -> BadDataError:
    return BadDataError(
        f"Expected {shard.samples:,} samples in '{shard.shard}' but it has changed since they were counted; "
        "run again when nothing writes to it."
    )
