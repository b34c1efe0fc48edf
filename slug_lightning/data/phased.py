"""Two loaders, one after the other, in a single epoch: first the forget pairs, then the retain pairs."""

from collections.abc import Iterable, Iterator, Sized
from typing import Any, Protocol


class SizedIterable(Sized, Iterable[dict[str, Any]], Protocol):
    """What a loader must be: iterable with a known number of batches."""


class PhasedLoader:
    """Yields every batch of each loader once, in order, with ``batch["last"]`` set at the end of each.

    Lightning's own ways to combine loaders either repeat the smaller one or are refused in ``fit``.

    Args:
        loaders: The phases. All processes must have loaders of the same lengths.

    Example:
        >>> [b["last"] for b in PhasedLoader([{}, {}], [{}])]
        [False, True, True]
    """

    def __init__(self, *loaders: SizedIterable) -> None:
        self.loaders = loaders

    def __len__(self) -> int:
        return sum(len(loader) for loader in self.loaders)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for loader in self.loaders:
            final = len(loader) - 1
            for i, batch in enumerate(loader):
                yield {**batch, "last": i == final}
