"""Reading the wanted pairs of one tar, header by header; where it can be sought, the others are not read."""

from collections.abc import Iterator, Sequence
from types import TracebackType

from slug_lightning.curation.harvest import About, FoundPair, Harvest
from slug_lightning.curation.index import Hits
from slug_lightning.curation.query import Query
from slug_lightning.data.census import ShardCensus
from slug_lightning.data.headers import Ending
from slug_lightning.data.images import decode_image
from slug_lightning.data.members import ShardReader, is_local
from slug_lightning.data.promises import find_promise
from slug_lightning.data.reasons import BadMemberError, SkipReason
from slug_lightning.data.samples import IMAGE_SUFFIXES, Sample, decode_caption, iter_samples
from slug_lightning.errors import DataNotFoundError, SlugError


class DisagreementError(SlugError, ValueError):
    """A parquet says something else than its tar; the sentence says what."""


class TarPairs:
    """The pairs of one tar, read once; a context manager.

    Args:
        shard: Path, url or ``pipe:`` command.

    Raises:
        DataNotFoundError: If it cannot be opened, or, while it is read, if a url or command gives no tar.
    """

    def __init__(self, shard: str) -> None:
        self.shard = shard
        self._reader = ShardReader(shard)
        self._seen = 0

    def __enter__(self) -> "TarPairs":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    def search(self, query: Query) -> Harvest:
        """Pairs whose caption names the concept; all captions are read, until the limit is reached."""
        harvest = Harvest(searched="tar")
        for number, sample in self._samples():
            try:
                judgement = query.judge(caption := sample.caption())
            except BadMemberError as error:
                harvest.counts[error.reason.value] += 1
                continue
            if judgement == "names":
                harvest.matched += 1
                self._add(harvest, number, sample, query)
                if harvest.is_full(query):
                    break
            elif judgement == "resembles":
                harvest.note(caption)
        else:
            self._report(harvest)
        harvest.pairs = self._seen
        return harvest

    def read_hits(self, hits: Hits, query: Query) -> Harvest:
        """Pairs that an index names, as the tar has them.

        Raises:
            DisagreementError: If the tar has other pairs or captions than its index.
        """
        wanted = {entry.key: entry for entry in hits.entries}
        harvest, left = Harvest(), set(wanted)
        for number, sample in self._samples():
            entry = wanted.get(sample.key)
            if entry is None:
                continue
            left.discard(sample.key)
            if not sample.repeated:
                self._check_caption(sample, entry.caption)
            self._add(harvest, number, sample, query, entry.about)
            # A stream is read as far as it is needed; walking a file's headers to its end costs little.
            if harvest.is_full(query) or not (left or self._reader.seekable):
                return harvest
        if self._reader.ending is Ending.WHOLE and (left or self._seen != hits.pairs):
            what = (
                f"does not hold {min(left)!r}" if left else f"holds {self._seen:,} pairs, not {hits.pairs:,}"
            )
            raise DisagreementError(f"{self._disagree()}: it {what}.")
        if left:
            harvest.counts["missing"] += len(left)
        self._report(harvest)
        return harvest

    def fetch(self, query: Query, keys: Sequence[str]) -> Harvest:
        """Usable pairs out of ``keys``; those whose caption names the concept are ``excluded``."""
        harvest, left = Harvest(searched="tar"), set(keys)
        for number, sample in self._samples():
            if sample.key in left:
                left.discard(sample.key)
                self._add(harvest, number, sample, query, exclude=True)
            if not left:
                break
        if left:
            harvest.counts["missing"] += len(left)
        harvest.pairs = self._seen
        return harvest

    def others(self, query: Query) -> list[str]:
        """Keys of the pairs with a caption that does not name the concept."""
        keys = []
        for _, sample in self._samples():
            try:
                if not query.matches(sample.caption()):
                    keys.append(sample.key)
            except BadMemberError:
                continue
        self._check_there()
        return keys

    def captions(self) -> Iterator[str]:
        """All usable captions."""
        for _, sample in self._samples():
            try:
                yield sample.caption()
            except BadMemberError:
                continue

    def _samples(self) -> Iterator[tuple[int, Sample]]:
        for number, sample in enumerate(iter_samples(self._reader)):
            self._seen = number + 1
            yield number, sample

    def _add(
        self,
        harvest: Harvest,
        number: int,
        sample: Sample,
        query: Query,
        about: About | None = None,
        exclude: bool = False,
    ) -> None:
        try:
            caption = sample.caption()
            if exclude and query.matches(caption):
                raise BadMemberError(SkipReason.EXCLUDED, sample.key)
            harvest.found.append(_read(number, sample, query.max_pixels, about))
        except BadMemberError as error:
            harvest.counts[error.reason.value] += 1

    def _check_caption(self, sample: Sample, promised: str) -> None:
        try:
            caption = sample.caption()
        except BadMemberError:
            return  # counted when it is read
        try:
            same = caption == decode_caption(promised.encode())
        except BadMemberError:
            same = False
        if not same:
            raise DisagreementError(f"{self._disagree()}: the captions of {sample.key!r} differ.")

    def _disagree(self) -> str:
        return f"{self._census().name} does not agree with its parquet"

    def _report(self, harvest: Harvest) -> None:
        """After the whole walk: what is wrong with the tar."""
        self._check_there()
        if problem := self._census().problem:
            harvest.problems.append(problem)

    def _check_there(self) -> None:
        """A url that leads nowhere gives no bytes, and no error before."""
        if not (self._seen or is_local(self.shard)) and self._reader.ending is Ending.UNREADABLE:
            raise DataNotFoundError(
                f"Expected a tar at '{self.shard}' but got none; check the address and what it asks for."
            )

    def _census(self) -> ShardCensus:
        local = is_local(self.shard)
        promise = find_promise(self.shard) if local else None
        state = self._reader.state() if local else None
        return ShardCensus(self.shard, self._seen, self._reader.ending, "", state, promise)


def _read(number: int, sample: Sample, max_pixels: int, about: About | None) -> FoundPair:
    """Read a pair, its bytes as they are; the image is decoded to see whether it can be."""
    suffix = next((suffix for suffix in IMAGE_SUFFIXES if suffix in sample.members), None)
    if suffix is None:
        raise BadMemberError(SkipReason.NO_IMAGE, sample.key)
    image = sample.members[suffix].read()
    decode_image(image, max_pixels)
    caption = sample.members["txt"].read().decode()
    return FoundPair(number, sample.key, caption, image, suffix, about or _about(sample))


def _about(sample: Sample) -> About:
    try:
        return About.parse(sample.members["json"].read()) if "json" in sample.members else About()
    except BadMemberError:  # the pair is usable without it
        return About()
