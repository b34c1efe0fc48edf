"""What became of the pairs of a role: how many were asked for, used, left out and missing, and from where."""

from collections.abc import Iterable, Mapping
from typing import Any

from slug_lightning.data.census import Census
from slug_lightning.data.ranges import changes
from slug_lightning.data.reasons import SkipReason
from slug_lightning.errors import BadDataError

MEANT = (SkipReason.EXCLUDED.value, SkipReason.MEASURED.value)  # left out on purpose: nothing is wrong


def missing_pairs(census: Census, asked: Iterable[int | None]) -> int:
    """Promised pairs that are not there, as far as they were asked for.

    Args:
        census: Counts of the shards.
        asked: Limits and sizes of samples; ``None`` for none.
    """
    return min([census.missing, *(max(0, n - census.samples) for n in asked if n is not None)])


def check_skipped(
    role: str, census: Census, skipped: Mapping[str, int], missing: int, pairs: int, max_bad_share: float
) -> None:
    """Stop if too many pairs could not be used.

    Args:
        role: ``forget`` or ``retain``.
        census: Counts of the shards.
        skipped: Count by reason over all processes.
        missing: Promised pairs that are not there.
        pairs: Pairs that were used.
        max_bad_share: Largest share, in ``[0, 1]``.

    Raises:
        BadDataError: Above that share, with the counts.
    """
    bad = {reason: n for reason, n in skipped.items() if reason not in MEANT}
    if missing:
        bad["missing"] = missing
    total = sum(bad.values()) + pairs
    if total and sum(bad.values()) / total > max_bad_share:
        counts = ", ".join(f"{n} {reason}" for reason, n in sorted(bad.items()))
        raise BadDataError(
            f"{sum(bad.values())} of {total} {role} pairs could not be used ({counts}), more than "
            f"data.max_bad_share={max_bad_share:g} allows. Repair the shards "
            f"{_suspects(census)} or raise the setting."
        )


def _suspects(census: Census) -> list[str]:
    """Names of three shards to look at: first those with a problem."""
    return [shard.name for shard in sorted(census.shards, key=lambda shard: shard.problem is None)][:3]


def account(census: Census, skipped: Mapping[str, int], missing: int) -> dict[str, Any]:
    """What a role's pairs were: digest, shards, counts by reason, what was incomplete."""
    counts = dict(skipped)
    if missing:
        counts["missing"] = missing
    return {
        "digest": census.digest,
        "shards": len(census.shards),
        "samples": census.samples,
        "skipped": counts,
        "problems": [*census.problems, *changes(census)],
    }
