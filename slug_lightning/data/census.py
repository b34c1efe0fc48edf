"""What the shards hold, counted before anything is decoded; groups are planned on these counts.

A tar that was cut short ends without an error, so its count is compared with what its ``_stats.json`` or
parquet promises.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Literal

from slug_lightning.data.headers import Ending
from slug_lightning.data.members import FileState, ShardReader, is_local
from slug_lightning.data.promises import Promise, find_promise
from slug_lightning.data.samples import iter_samples
from slug_lightning.data.shards import Missing, expand_shards
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError

MARK_EVERY = 64


@dataclass(frozen=True)
class ShardCensus:
    """Counts of one shard.

    Attributes:
        shard: Path or url.
        samples: Samples it holds, usable or not.
        ending: How it ends.
        sha256: Digest of its bytes, hexadecimal; empty for a lost shard.
        state: Size and time of the file; ``None`` for a url and a lost shard.
        promise: Pairs that its stats or parquet promise, if there are any.
        marks: Byte at which every 64th sample begins, from the first; empty where a reader cannot
            begin in the middle. Readers start at the last mark before their samples.
        repeats: Numbers in the shard of samples whose key an earlier one has.
    """

    shard: str
    samples: int
    ending: Ending
    sha256: str
    state: FileState | None
    promise: Promise | None
    marks: tuple[int, ...] = ()
    repeats: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        """File name without its folder, printable."""
        return Path(self.shard).name.encode("utf-8", "backslashreplace").decode()

    @property
    def missing(self) -> int:
        """Promised samples that are not there; 0 if nothing is promised."""
        return max(0, self.promise.pairs - self.samples) if self.promise else 0

    @property
    def lost(self) -> bool:
        """Whether nothing at all could be read of it."""
        return not self.samples and self.ending is not Ending.WHOLE

    @property
    def problem(self) -> str | None:
        """One sentence on what is wrong, or ``None``."""
        said = "empty (0 bytes)" if self.state and not self.state.size else _SAID[self.ending]
        if self.missing and self.promise:
            return (
                f"{self.name} holds {self.samples:,} of {self.promise.pairs:,} pairs its "
                f"{self.promise.source} promises: the file is {said}."
            )
        if self.lost:
            return f"{self.name} is {said}."
        if self.ending is not Ending.WHOLE:
            return f"{self.name} is {said} after {self.samples:,} samples."
        return None


@dataclass(frozen=True)
class Census:
    """Counts of several shards, in order.

    Attributes:
        shards: One entry a shard. With a limit, later shards are not opened and not listed.
        samples: Samples to use: all, the first ``limit``, or as many as were chosen.
        chosen: Numbers of the samples to use, ascending; ``None`` for those from 0 on. See ``sample_pairs``.
    """

    shards: tuple[ShardCensus, ...]
    samples: int
    chosen: tuple[int, ...] | None = None

    @property
    def starts(self) -> tuple[int, ...]:
        """Number of the first sample of each shard."""
        counts = (shard.samples for shard in self.shards)
        return tuple(accumulate(counts, initial=0))[:-1]

    def spans(self, start: int, stop: int) -> list[range]:
        """Numbers of the samples at the places ``start`` to ``stop - 1`` among those to use."""
        stop = min(stop, self.samples)
        if self.chosen is None:
            return [range(start, stop)]
        return [range(number, number + 1) for number in self.chosen[start:stop]]

    def place(self, number: int) -> int:
        """Place of a sample among those to use."""
        return number if self.chosen is None else bisect_left(self.chosen, number)

    @property
    def missing(self) -> int:
        """Promised samples that are not there."""
        return sum(shard.missing for shard in self.shards)

    @property
    def lost(self) -> int:
        """Shards of which nothing could be read."""
        return sum(shard.lost for shard in self.shards)

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each shard that is incomplete."""
        return tuple(shard.problem for shard in self.shards if shard.problem)

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents: what ``sha256sum *.tar | sha256sum`` prints in the folder."""
        lines = [f"{s.sha256}  {Path(s.shard).name}\n" for s in self.shards if s.sha256]
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def take_census(
    shards: str | Sequence[str],
    limit: int | None = None,
    incomplete: Missing = "skip",
    missing: Missing = "refuse",
    max_lost_share: float = 1.0,
    count: Callable[[str], ShardCensus] | None = None,
) -> Census:
    """Count the samples of shards without decoding; local tars are walked header by header.

    Args:
        shards: As for ``expand_shards``.
        limit: Use the first ``limit`` samples only; shards behind them are not opened.
        incomplete: For shards that are cut, damaged or short of what their stats promise: ``skip``
            uses what is there and reports the rest in ``problems``; ``refuse`` raises.
        missing: For shards that are not there, cannot be opened or are written to: ``refuse`` raises,
            ``skip`` reports them in ``problems``.
        max_lost_share: Largest share of shards of which nothing can be read, in ``[0, 1]``; unless ``limit``
            is reached without them.
        count: Counts one shard; by default ``count_shard``, or that of a ``CensusCache``.

    Returns:
        The counts.

    Raises:
        DataNotFoundError: If a shard is missing, under ``refuse``.
        BadDataError: If there is no sample at all, too many shards are lost, one is written to meanwhile,
            or for an incomplete shard under ``refuse``.
        SettingError: If ``limit`` is not positive.
    """
    if limit is not None and limit < 1:
        raise SettingError(f"Expected a limit of at least 1 sample but got {limit}.")
    counted: list[ShardCensus] = []
    total = 0
    for shard in expand_shards(shards, missing):
        counted.append(_count(shard, missing, count or count_shard))
        total += counted[-1].samples
        if limit is not None and total >= limit:
            break
    census = Census(tuple(counted), total if limit is None else min(limit, total))
    _check(census, incomplete, max_lost_share if limit is None or total < limit else 1.0)
    return census


def count_shard(shard: str) -> ShardCensus:
    """Count the samples of one shard.

    Args:
        shard: Path, url or ``pipe:`` command. What cannot be sought is read once.

    Returns:
        Its counts.

    Raises:
        DataNotFoundError: If it cannot be opened.
        BadDataError: If it is written to meanwhile.
    """
    samples, marks, repeats, local = 0, [], set(), is_local(shard)
    with ShardReader(shard) as reader:
        before = reader.state() if local else None
        for sample in iter_samples(reader):
            if samples % MARK_EVERY == 0:
                marks.append(sample.offset)
            if sample.repeated:
                repeats.add(samples)
            samples += 1
        sha256 = reader.digest()
        if before and not before.same(reader.state()):
            raise BadDataError(
                f"Shard '{shard}' changed while it was counted; run again when it is complete."
            )
    return ShardCensus(
        shard=shard,
        samples=samples,
        ending=reader.ending,
        sha256=sha256,
        state=before,
        promise=find_promise(shard) if local else None,
        marks=tuple(marks) if reader.seekable else (),
        repeats=frozenset(repeats),
    )


def _count(shard: str, missing: Missing, count: Callable[[str], ShardCensus]) -> ShardCensus:
    try:
        return count(shard)
    except (DataNotFoundError, BadDataError):
        if missing == "refuse":
            raise
        promise = find_promise(shard) if is_local(shard) else None
        return ShardCensus(shard, 0, Ending.LOST, "", None, promise)


def _check(census: Census, incomplete: Literal["refuse", "skip"], max_lost_share: float) -> None:
    problems, count = census.problems, len(census.shards)
    told = " ".join(problems[:3]) + (f" So are {len(problems) - 3:,} more." if len(problems) > 3 else "")
    if incomplete == "refuse" and problems:
        raise BadDataError(f"{told} Download again, or set incomplete_shards to skip.")
    if not census.samples:
        raise BadDataError(
            f"Expected pairs in {count:,} shards but found none. {told or 'The tars are empty.'}"
        )
    if census.lost > max_lost_share * count:
        raise BadDataError(
            f"Nothing could be read of {census.lost:,} of {count:,} shards, more than "
            f"data.max_bad_share={max_lost_share:g} allows. {told} Download them again or raise the setting."
        )


_SAID = {
    Ending.WHOLE: "incomplete",
    Ending.TRUNCATED: "truncated",
    Ending.DAMAGED: "damaged",
    Ending.CONTINUED: "followed by more, which is not read,",
    Ending.INFLATED: "a decompression bomb",
    Ending.UNREADABLE: "not a tar",
    Ending.LOST: "missing, or changed meanwhile",
}
