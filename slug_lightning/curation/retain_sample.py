"""A seeded sample of pairs that do not name the concept.

Every pair has a rank: a hash of the seed, the number of its source and its key. Sources are taken in the
order of their own ranks, and of the pairs in them those with the lowest ranks are drawn. So the sample
depends on nothing but the sources and the seed, and only a few tars are opened.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from slug_lightning.curation.executors import Executor
from slug_lightning.curation.harvest import Harvest
from slug_lightning.curation.kept import Kept
from slug_lightning.curation.query import Query
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.curation.source import Source
from slug_lightning.curation.staging import Staging

FORGET_IMAGE = "forget_image"  # the image of a forget pair, under a caption that does not name the concept


@dataclass
class RetainSample:
    """What was drawn.

    Attributes:
        kept: Chosen pairs, in order.
        left_out: Counts by reason of pairs that were drawn and could not be used.
        sources: Numbers of the sources that were looked into, ascending.
    """

    kept: list[Kept] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    sources: list[int] = field(default_factory=list)


def rank(seed: int, source: int, key: str = "") -> str:
    """Place of a pair, or with no key of a source, in the draw.

    Example:
        >>> rank(0, 3, "000030007") == rank(0, 3, "000030007") != rank(1, 3, "000030007")
        True
    """
    return hashlib.sha256(f"{seed}/{source}/{key}".encode("utf-8", "surrogatepass")).hexdigest()


def draw(
    sources: Sequence[Source],
    query: Query,
    settings: CurationSettings,
    forget: Sequence[Kept],
    staging: Staging,
    executor: Executor,
) -> RetainSample:
    """Draw ``settings.retain`` pairs; fewer only if the sources hold no more.

    Args:
        sources: Where to draw from.
        query: What the pairs must not name.
        settings: Size, number of sources and seed.
        forget: Pairs whose images must not be drawn, whatever their captions say.
        staging: Where the pairs are put.
        executor: What reads the sources; it changes nothing in the result.
    """
    return _Draw(sources, query, settings, forget, staging, executor).run()


def others(task: tuple[Source, Query]) -> list[str]:
    """Keys that may be drawn from one source; runs in any process."""
    source, query = task
    return source.others(query)


def fetch(task: tuple[Source, Query, list[str]]) -> Harvest:
    """Read drawn pairs of one source; runs in any process."""
    source, query, keys = task
    return source.fetch(query, keys)


class _Draw:
    def __init__(
        self,
        sources: Sequence[Source],
        query: Query,
        settings: CurationSettings,
        forget: Sequence[Kept],
        staging: Staging,
        executor: Executor,
    ) -> None:
        self._sources, self._query, self._settings = sources, query, settings
        self._staging, self._executor = staging, executor
        self._forgotten = {pair.sha256 for pair in forget}
        self._order = sorted(range(len(sources)), key=lambda number: rank(settings.seed, number))
        self._pool: list[tuple[str, int, str]] = []  # rank, source, key; lowest last
        self._sample = RetainSample()

    def run(self) -> RetainSample:
        """In rounds: what turns out to be unusable is replaced by the next in rank."""
        turn = 0
        while need := self._settings.retain - len(self._sample.kept):
            self._fill(need)
            drawn = [self._pool.pop() for _ in range(min(need, len(self._pool)))]
            if not drawn:
                break
            self._read(drawn, turn)
            turn += 1
        self._sample.kept.sort()
        self._sample.sources.sort()
        return self._sample

    def _fill(self, need: int) -> None:
        """Look into further sources until there are enough pairs to draw from."""
        step = self._settings.retain_sources
        while len(self._pool) < need and self._order:
            numbers, self._order = self._order[:step], self._order[step:]
            self._sample.sources += numbers
            tasks = [(self._sources[number], self._query) for number in numbers]
            with closing(self._executor.run(others, tasks)) as lists:
                for number, keys in zip(numbers, lists, strict=True):
                    self._pool += [(rank(self._settings.seed, number, key), number, key) for key in keys]
            self._pool.sort(reverse=True)

    def _read(self, drawn: Sequence[tuple[str, int, str]], turn: int) -> None:
        by_source: dict[int, list[str]] = {}
        for _, number, key in sorted(drawn, key=lambda pair: pair[1:]):
            by_source.setdefault(number, []).append(key)
        plan = [(n, keys, f"retain-{turn}-{n:06d}", self._state(n, keys)) for n, keys in by_source.items()]
        missing = [
            (self._sources[number], self._query, keys)
            for number, keys, name, state in plan
            if not self._staging.holds(name, state)
        ]
        with closing(self._executor.run(fetch, missing)) as fresh:
            for number, _, name, state in plan:
                if not self._staging.holds(name, state):
                    self._staging.save(name, state, next(fresh))
                self._choose(self._staging.load(name), number, name)

    def _choose(self, harvest: Harvest, number: int, name: str) -> None:
        self._sample.left_out += harvest.counts
        for pair in harvest.found:
            if pair.sha256 in self._forgotten:
                self._sample.left_out[FORGET_IMAGE] += 1
            else:
                self._sample.kept.append(Kept.of(pair, number, name))

    def _state(self, number: int, keys: Sequence[str]) -> str:
        """Of a source and of what is asked of it."""
        digest = hashlib.sha256("\n".join(keys).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self._sources[number].state} {digest}"
