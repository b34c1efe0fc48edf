"""Choosing the pairs that name the concept, source by source."""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from slug_lightning.curation.executors import Executor
from slug_lightning.curation.harvest import MAX_LOOKALIKES, FoundPair, Harvest
from slug_lightning.curation.kept import Kept
from slug_lightning.curation.query import Query
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.curation.similarity import SimilarityFilter
from slug_lightning.curation.source import Source
from slug_lightning.curation.staging import Staging


@dataclass(frozen=True)
class SourceCount:
    """What came of one source.

    Attributes:
        name: Of the source.
        searched: What its captions were read from.
        pairs: Captions that were looked at.
        matched: Those that name the concept.
        kept: Pairs that were kept.
        left_out: Counts by reason of those that were not.
        problems: One sentence for each thing that is wrong with it.
    """

    name: str
    searched: str
    pairs: int
    matched: int
    kept: int
    left_out: dict[str, int]
    problems: tuple[str, ...]


@dataclass
class ForgetSet:
    """What the search found.

    Attributes:
        kept: Chosen pairs, in order.
        sources: What came of each source that was searched; with a limit, later ones are not.
        lookalikes: A few captions that resemble the concept and do not name it.
        resumed: Sources that an earlier, interrupted run had finished.
    """

    kept: list[Kept] = field(default_factory=list)
    sources: list[SourceCount] = field(default_factory=list)
    lookalikes: list[str] = field(default_factory=list)
    resumed: int = 0

    @property
    def pairs(self) -> int:
        """Captions that were looked at."""
        return sum(source.pairs for source in self.sources)

    @property
    def matched(self) -> int:
        """Captions that name the concept."""
        return sum(source.matched for source in self.sources)

    @property
    def left_out(self) -> Counter[str]:
        """Counts by reason over all sources."""
        return sum((Counter(source.left_out) for source in self.sources), Counter())

    @property
    def problems(self) -> list[str]:
        """All that is wrong with the sources."""
        return [problem for source in self.sources for problem in source.problems]


def collect(
    sources: Sequence[Source],
    query: Query,
    settings: CurationSettings,
    staging: Staging,
    executor: Executor,
    watch: Callable[[ForgetSet], None] | None = None,
) -> ForgetSet:
    """Search the sources in order, until the limit is reached.

    Args:
        sources: Where to look.
        query: What to look for.
        settings: What to keep.
        staging: Where the pairs are put; finished sources are found there again.
        executor: What runs the searches; it changes nothing in the result.
        watch: Called with what there is after each source.
    """
    chosen, sieve = ForgetSet(), _Sieve(query, settings)
    with closing(_harvests(sources, query, staging, executor)) as harvests:
        for number, harvest, resumed in harvests:
            room = None if settings.limit is None else settings.limit - len(chosen.kept)
            kept, dropped = sieve.sift(harvest.found, number, room)
            chosen.kept += kept
            chosen.sources.append(_count(sources[number].name, harvest, len(kept), dropped))
            chosen.lookalikes += harvest.lookalikes[: MAX_LOOKALIKES - len(chosen.lookalikes)]
            chosen.resumed += resumed
            if watch is not None:
                watch(chosen)
            if len(kept) == room:
                break
    return chosen


def stage_name(number: int) -> str:
    """Name in the staging folder of what a source gave."""
    return f"forget-{number:06d}"


def find(task: tuple[Source, Query]) -> Harvest:
    """Search one source; runs in any process."""
    source, query = task
    return source.find(query)


def _harvests(
    sources: Sequence[Source], query: Query, staging: Staging, executor: Executor
) -> Generator[tuple[int, Harvest, bool], None, None]:
    """Number and harvest of each source in order, and whether it was there already."""
    states = [source.state for source in sources]
    staged = [staging.holds(stage_name(number), state) for number, state in enumerate(states)]
    missing = [(source, query) for source, there in zip(sources, staged, strict=True) if not there]
    with closing(executor.run(find, missing)) as fresh:
        for number, (state, there) in enumerate(zip(states, staged, strict=True)):
            name = stage_name(number)
            harvest = staging.load(name) if there else next(fresh)
            if not there:
                staging.save(name, state, harvest)
            yield number, harvest, there


class _Sieve:
    """Drops equal images and pairs that do not fit, over all sources."""

    def __init__(self, query: Query, settings: CurationSettings) -> None:
        self._seen: set[str] | None = set() if settings.deduplicate else None
        self._filter = SimilarityFilter(settings, query.max_pixels) if settings.clip_model else None

    def sift(
        self, found: Sequence[FoundPair], number: int, room: int | None
    ) -> tuple[list[Kept], Counter[str]]:
        """The pairs to keep, at most ``room``, and counts of those that were dropped before it was full."""
        dropped: Counter[str] = Counter()
        kept: list[Kept] = []
        for pair, cosine in zip(found, self._cosines(found), strict=True):
            if len(kept) == room:
                break
            if self._seen is not None and pair.sha256 in self._seen:
                dropped["duplicate"] += 1
            elif self._filter and cosine is not None and cosine < self._filter.threshold:
                dropped["low_similarity"] += 1
            else:
                kept.append(Kept.of(pair, number, stage_name(number), cosine))
                if self._seen is not None:
                    self._seen.add(pair.sha256)
        return kept, dropped

    def _cosines(self, found: Sequence[FoundPair]) -> Sequence[float | None]:
        return self._filter.cosines(found) if self._filter else [None] * len(found)


def _count(name: str, harvest: Harvest, kept: int, dropped: Counter[str]) -> SourceCount:
    left_out = dict(sorted((harvest.counts + dropped).items()))
    return SourceCount(
        name=name,
        searched=harvest.searched,
        pairs=harvest.pairs,
        matched=harvest.matched,
        kept=kept,
        left_out=left_out,
        problems=tuple(harvest.problems),
    )
