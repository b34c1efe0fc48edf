"""A shard to curate from: its parquet says which pairs to read, its tar has the last word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from slug_lightning.curation.caption_table import IndexUnusableError, NoIndexError
from slug_lightning.curation.harvest import Harvest
from slug_lightning.curation.index import (
    Hits,
    find_index,
    first_captions,
    list_others,
    search_index,
)
from slug_lightning.curation.query import Query
from slug_lightning.curation.tar_pairs import DisagreementError, TarPairs
from slug_lightning.data.members import is_local
from slug_lightning.data.shards import Missing
from slug_lightning.errors import DataNotFoundError


@dataclass(frozen=True)
class TarSource:
    """One shard, and the parquet beside it if there is one.

    If the parquet names no pair of the concept, the tar is not opened. A parquet that is damaged, or does not
    agree with its tar, is reported and not used: the captions are read from the tar.

    Attributes:
        shard: Path, url or ``pipe:`` command of a tar.
        use_index: Whether the parquet is looked at.
        missing: Whether a shard that cannot be opened stops the run (``refuse``) or is reported (``skip``).
    """

    shard: str
    use_index: bool = True
    missing: Missing = "refuse"

    @property
    def name(self) -> str:
        """The shard as it was given."""
        return self.shard

    @property
    def state(self) -> str:
        """Sizes and times of tar and parquet; empty for a url or command."""
        if not is_local(self.shard):
            return ""
        files = [Path(name) for name in (self.shard, find_index(self.shard)) if name is not None]
        states = [(f.stat().st_size, f.stat().st_mtime_ns) if f.is_file() else None for f in files]
        return repr(states)

    def find(self, query: Query) -> Harvest:
        """Pairs that name the concept, in order.

        Raises:
            DataNotFoundError: If the tar is needed and cannot be opened, under ``refuse``.
        """
        problems: list[str] = []
        try:
            if index := self._index():
                hits = search_index(index, query)
                return self._read_hits(hits, Path(index).name, query)
        except NoIndexError:
            pass
        except (IndexUnusableError, DisagreementError) as error:
            problems.append(f"{error} Captions were read from the tar.")
        except DataNotFoundError as error:
            return self._lost(error, problems)
        return self._read(problems, lambda pairs: pairs.search(query))

    def others(self, query: Query) -> list[str]:
        """Keys of the pairs that have a caption and do not name the concept, in order, each once."""
        try:
            if index := self._index():
                return list(dict.fromkeys(list_others(index, query)))
        except (NoIndexError, IndexUnusableError):
            pass  # ``find`` says so
        try:
            with TarPairs(self.shard) as pairs:
                return pairs.others(query)
        except DataNotFoundError:
            if self.missing == "refuse":
                raise
            return []

    def fetch(self, query: Query, keys: Sequence[str]) -> Harvest:
        """Usable pairs out of ``keys``, in order; those that name the concept after all are ``excluded``."""
        return self._read([], lambda pairs: pairs.fetch(query, keys))

    def captions(self, count: int) -> list[str]:
        """The first captions."""
        try:
            if index := self._index():
                return first_captions(index, count)
        except (NoIndexError, IndexUnusableError):
            pass
        try:
            with TarPairs(self.shard) as pairs:
                return list(islice(pairs.captions(), count))
        except DataNotFoundError:
            return []

    def _index(self) -> str | None:
        """The parquet, if it is wanted; it may not be there."""
        return find_index(self.shard) if self.use_index else None

    def _read_hits(self, hits: Hits, index: str, query: Query) -> Harvest:
        harvest = Harvest(pairs=hits.pairs, searched=index)
        if hits.entries:
            with TarPairs(self.shard) as pairs:
                harvest = pairs.read_hits(hits, query)
                harvest.pairs, harvest.matched, harvest.searched = hits.pairs, len(hits.entries), index
        for caption in hits.lookalikes:
            harvest.note(caption)
        if hits.no_caption:
            harvest.counts["no_caption"] += hits.no_caption
        return harvest

    def _read(self, problems: list[str], work: Callable[[TarPairs], Harvest]) -> Harvest:
        try:
            with TarPairs(self.shard) as pairs:
                harvest = work(pairs)
        except DataNotFoundError as error:
            return self._lost(error, problems)
        harvest.problems[:0] = problems
        return harvest

    def _lost(self, error: DataNotFoundError, problems: list[str]) -> Harvest:
        if self.missing == "refuse":
            raise error
        return Harvest(problems=[*problems, str(error)])
