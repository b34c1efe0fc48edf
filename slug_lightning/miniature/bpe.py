"""A byte-pair vocabulary in the file format of open_clip's ``SimpleTokenizer``."""

import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from slug_lightning.atomic import atomic_path

Merge = tuple[str, str]

HEADER = "#version: byte-pair merges"  # the tokenizer skips the first line


def learn_merges(words: Mapping[str, int]) -> list[Merge]:
    """Classical byte-pair encoding, until each word is one token.

    Args:
        words: How often each word occurs; ASCII letters only.

    Returns:
        Merges in the order of their learning: the most frequent neighbours first.

    Example:
        >>> learn_merges({"one": 2, "none": 1})
        [('n', 'e</w>'), ('o', 'ne</w>'), ('n', 'one</w>')]
    """
    pieces = {word: [*word[:-1], f"{word[-1]}</w>"] for word in words}
    merges: list[Merge] = []
    while True:
        pairs: Counter[Merge] = Counter()
        for word, parts in pieces.items():
            for pair in pairwise(parts):
                pairs[pair] += words[word]
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        pieces = {word: _merge(parts, best) for word, parts in pieces.items()}


def save_merges(merges: Sequence[Merge], path: Path | str) -> None:
    """Write merges as ``bpe_simple_vocab.txt.gz``; equal merges give equal bytes."""
    lines = [HEADER, *(" ".join(merge) for merge in merges)]
    with atomic_path(path) as draft:
        # No newline at the end: the tokenizer would take an empty last line for a merge.
        draft.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))


def _merge(parts: list[str], pair: Merge) -> list[str]:
    merged: list[str] = []
    for part in parts:
        if merged and (merged[-1], part) == pair:
            merged[-1] += part
        else:
            merged.append(part)
    return merged
