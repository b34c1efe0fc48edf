"""A random sample of the pairs: the same on any machine and any number of processes."""

import heapq
from dataclasses import replace

from slug_lightning.data.census import Census
from slug_lightning.data.partition import hashed
from slug_lightning.errors import SettingError


def sample_pairs(census: Census, count: int, seed: int = 0) -> Census:
    """The census with a random sample of its pairs to use, in the order of the shards.

    The pairs with the smallest seeded hash of their number: a smaller sample of the same seed is part of a
    larger one. Unusable and excluded pairs are drawn like any other, and counted as they always are.

    Args:
        census: Counts of the shards.
        count: Pairs to draw; all if there are fewer.
        seed: Of the hash.

    Raises:
        SettingError: If ``count`` is not positive.
    """
    if count < 1:
        raise SettingError(f"Expected a sample of at least 1 pair but got {count}.")
    known = range(census.samples) if census.chosen is None else census.chosen
    drawn = heapq.nsmallest(count, known, key=lambda number: hashed(str(number), seed))
    return replace(census, samples=len(drawn), chosen=tuple(sorted(drawn)))
