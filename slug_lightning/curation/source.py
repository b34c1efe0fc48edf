"""What can be curated from: the unit of work that is given to processes and remembered when it is done."""

from collections.abc import Sequence
from typing import Protocol

from slug_lightning.curation.harvest import Harvest
from slug_lightning.curation.query import Query


class Source(Protocol):
    """Pairs in a fixed order; small, so that it can be sent to another process."""

    @property
    def name(self) -> str:
        """What the manifest calls it."""

    @property
    def state(self) -> str:
        """Changes when the files do; empty where that cannot be known."""

    def find(self, query: Query) -> Harvest:
        """Pairs that name the concept, in order.

        Raises:
            DataNotFoundError: If the source is not there.
        """

    def others(self, query: Query) -> list[str]:
        """Keys of the pairs that have a caption and do not name the concept, in order, each once."""

    def fetch(self, query: Query, keys: Sequence[str]) -> Harvest:
        """Usable pairs out of ``keys``, in order; those that name the concept after all are ``excluded``."""

    def captions(self, count: int) -> list[str]:
        """The first captions, to look for near misses in."""
