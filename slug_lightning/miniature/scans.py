"""Scanned handwritten digits, split so that no scan is used for two purposes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from slug_lightning.errors import SettingError

Part = Literal["train", "search", "final"]

DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Scans:
    """Scans of one part.

    Attributes:
        images: Ink per cell in ``[0, 1]``, shape ``(N, 8, 8)``.
        labels: The digit, ``0..9``, shape ``(N,)``.
        numbers: Position of each scan in the data set of scikit-learn, shape ``(N,)``.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    numbers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: NDArray[np.int64]) -> "Scans":
        """The scans at these positions, repeated where a position is."""
        return Scans(self.images[chosen], self.labels[chosen], self.numbers[chosen])


def load_scans(search: int, final: int, seed: int, limit: int | None = None) -> dict[Part, Scans]:
    """Split the 1,797 scans of ``sklearn.datasets.load_digits`` into disjoint, stratified parts.

    Args:
        search: Number of scans that the step search may look at.
        final: Number of scans that only final figures use.
        seed: Seed of the split.
        limit: Use only so many scans in all (stratified); None is all of them.

    Returns:
        The parts; every scan is in at most one, all that are not held out are ``train``.

    Raises:
        SettingError: If nothing would be left to train on.

    Example:
        >>> parts = load_scans(search=200, final=500, seed=0)
        >>> {part: len(scans) for part, scans in parts.items()}
        {'final': 500, 'search': 200, 'train': 1097}
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    images = (digits.images / 16.0).astype(np.float32)
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    left = shuffled[np.argsort(labels[shuffled], kind="stable")]
    if limit is not None:
        left, _ = _every(left, limit)
    if search + final >= len(left):
        raise SettingError(
            f"Expected fewer than {len(left)} held-out scans, but got search + final = "
            f"{search} + {final}. Hold out fewer, so that some are left to train on."
        )
    parts: dict[Part, Scans] = {}
    held_out: tuple[tuple[Part, int], ...] = (("final", final), ("search", search))
    for part, count in held_out:
        chosen, left = _every(left, count)
        parts[part] = Scans(images[chosen], labels[chosen], chosen)
    parts["train"] = Scans(images[left], labels[left], left)
    return parts


def _every(ordered: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take ``count`` evenly spaced entries: stratified, since the entries are ordered by label."""
    if count >= len(ordered):
        return ordered, ordered[:0]
    ticks = (np.arange(len(ordered) + 1) * count) // len(ordered)
    chosen = np.diff(ticks) > 0
    return ordered[chosen], ordered[~chosen]
