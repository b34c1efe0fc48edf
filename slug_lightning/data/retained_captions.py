"""Captions of what must stay, without their images."""

import re

from slug_lightning.data.captions import fold
from slug_lightning.data.census import Census
from slug_lightning.data.ranges import read_ranges
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.data.sampling import sample_pairs
from slug_lightning.data.shards import Missing


def retained_captions(
    census: Census, count: int, seed: int, exclude: re.Pattern[str], missing: Missing = "refuse"
) -> list[str]:
    """Usable captions of a random sample of the retain pairs, the same on every process.

    Args:
        census: Counts of the retain shards, or of a sample of their pairs.
        count: Pairs to draw; captions that are unusable or excluded are left out, not replaced.
        seed: Of the sample.
        exclude: Finds the folded captions that name the concept.
        missing: See ``GroupedPairs``.
    """
    drawn = sample_pairs(census, count, seed)
    captions = []
    for numbered in read_ranges(drawn, drawn.spans(0, drawn.samples), missing):
        try:
            caption = numbered.sample.caption()
        except BadMemberError:  # counted where the pairs themselves are read
            continue
        if not exclude.search(fold(caption)):
            captions.append(caption)
    return captions
