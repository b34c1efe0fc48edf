"""What the shards hold, counted before anything is decoded; groups are planned on these counts.

A tar that was cut short ends without an error, so its count is compared with what its ``_stats.json`` or
parquet promises.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal

from slug_lightning.data.members import Ending, ShardReader, is_local
from slug_lightning.data.promises import Promise, find_promise
from slug_lightning.data.samples import iter_samples
from slug_lightning.data.shards import expand_shards
from slug_lightning.errors import BadDataError, SettingError

MARK_EVERY = 64


@dataclass(frozen=True)
class ShardCensus:
    """Counts of one shard.

    Attributes:
        shard: Path or url.
        samples: Samples it holds, usable or not.
        ending: How it ends.
        sha256: Digest of its bytes, hexadecimal.
        size: Bytes; ``None`` for a url.
        promise: Pairs that its stats or parquet promise, if there are any.
        marks: Byte at which every 64th sample begins, from the first; empty where a reader cannot
            begin in the middle. Readers start at the last mark before their samples.
    """

    shard: str
    samples: int
    ending: Ending
    sha256: str
    size: int | None
    promise: Promise | None
    marks: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """File name without its folder."""
        return Path(self.shard).name

    @property
    def missing(self) -> int:
        """Promised samples that are not there; 0 if nothing is promised."""
        return max(0, self.promise.pairs - self.samples) if self.promise else 0

    @property
    def problem(self) -> str | None:
        """One sentence on what is wrong, or ``None``."""
        if self.missing and self.promise:
            return (
                f"{self.name} holds {self.samples:,} of {self.promise.pairs:,} pairs its "
                f"{self.promise.source} promises: the file is {_SAID[self.ending]}."
            )
        if self.ending is not Ending.WHOLE:
            return f"{self.name} is {_SAID[self.ending]} after {self.samples:,} samples."
        return None


@dataclass(frozen=True)
class Census:
    """Counts of several shards, in order.

    Attributes:
        shards: One entry a shard. With a limit, later shards are not opened and not listed.
        samples: Samples to use: all, or the first ``limit``.
    """

    shards: tuple[ShardCensus, ...]
    samples: int

    @property
    def starts(self) -> tuple[int, ...]:
        """Number of the first sample of each shard."""
        counts = (shard.samples for shard in self.shards)
        return tuple(accumulate(counts, initial=0))[:-1]

    @property
    def missing(self) -> int:
        """Promised samples that are not there."""
        return sum(shard.missing for shard in self.shards)

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each shard that is incomplete."""
        return tuple(shard.problem for shard in self.shards if shard.problem)

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents: what ``sha256sum *.tar | sha256sum`` prints in the folder."""
        lines = [f"{shard.sha256}  {shard.name}\n" for shard in self.shards]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def take_census(
    shards: str | Sequence[str],
    limit: int | None = None,
    incomplete: Literal["skip", "refuse"] = "skip",
) -> Census:
    """Count the samples of shards without decoding; local tars are walked header by header.

    Args:
        shards: As for ``expand_shards``.
        limit: Use the first ``limit`` samples only; shards behind them are not opened.
        incomplete: For shards that are cut, damaged or short of what their stats promise: ``skip``
            uses what is there and reports the rest in ``problems``; ``refuse`` raises.

    Returns:
        The counts.

    Raises:
        DataNotFoundError: If a shard is missing.
        BadDataError: If there is no sample at all, or for an incomplete shard under ``refuse``.
        SettingError: If ``limit`` is not positive.
    """
    if limit is not None and limit < 1:
        raise SettingError(f"Expected a limit of at least 1 sample but got {limit}.")
    counted: list[ShardCensus] = []
    total = 0
    for shard in expand_shards(shards):
        counted.append(count_shard(shard))
        total += counted[-1].samples
        if limit is not None and total >= limit:
            break
    census = Census(tuple(counted), total if limit is None else min(limit, total))
    if incomplete == "refuse" and census.problems:
        raise BadDataError(f"{' '.join(census.problems)} Download again, or set incomplete to 'skip'.")
    if not census.samples:
        told = " ".join(census.problems) or "The tars are empty."
        raise BadDataError(f"Expected pairs in {len(counted)} shards but found none. {told}")
    return census


def count_shard(shard: str) -> ShardCensus:
    """Count the samples of one shard.

    Args:
        shard: Path, url or ``pipe:`` command. What cannot be sought is read once.

    Returns:
        Its counts.

    Raises:
        DataNotFoundError: If it cannot be opened.
    """
    samples, marks = 0, []
    with ShardReader(shard) as reader:
        for sample in iter_samples(reader):
            if samples % MARK_EVERY == 0:
                marks.append(sample.offset)
            samples += 1
        streamed = "" if is_local(shard) else reader.drain()
    return ShardCensus(
        shard=shard,
        samples=samples,
        ending=reader.ending,
        sha256=streamed or _sha256(shard),
        size=Path(shard).stat().st_size if is_local(shard) else None,
        promise=find_promise(shard) if is_local(shard) else None,
        marks=tuple(marks) if reader.seekable else (),
    )


def _sha256(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_SAID = {
    Ending.WHOLE: "incomplete",
    Ending.TRUNCATED: "truncated",
    Ending.DAMAGED: "damaged",
    Ending.UNREADABLE: "not a tar",
}
