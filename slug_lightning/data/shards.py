"""Which shards a pattern means, and all their pairs in order."""

import glob
from collections.abc import Iterator, MutableMapping, Sequence
from pathlib import Path

from braceexpand import braceexpand

from slug_lightning.data.images import MAX_PIXELS
from slug_lightning.data.members import ShardReader, is_local
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.data.samples import Pair, iter_samples
from slug_lightning.errors import DataNotFoundError, SettingError

__all__ = ["Pair", "expand_shards", "iter_pairs"]


def expand_shards(shards: str | Sequence[str]) -> list[str]:
    """Expand brace ranges and globs to the list of shards, in order.

    Args:
        shards: Paths with ``{00000..00003}``, ``{a,b}``, ``*``, ``?`` or ``[...]``; plain paths;
            urls and ``pipe:`` commands, in which only braces are expanded. One string or several.

    Returns:
        Paths and urls, none twice: strings in the order given, ranges in theirs, globs sorted.

    Raises:
        DataNotFoundError: If a pattern matches nothing or a named shard is missing.
        SettingError: If no shard is given or braces are unbalanced.

    Example:
        >>> expand_shards("https://host/{00000..00002}.tar")
        ['https://host/00000.tar', 'https://host/00001.tar', 'https://host/00002.tar']
    """
    patterns = [shards] if isinstance(shards, str) else list(shards)
    found = [shard for pattern in patterns for shard in _expand(str(pattern))]
    if not found:
        raise SettingError("Expected at least one shard but got none; name a tar, a range or a glob.")
    return list(dict.fromkeys(found))


def iter_pairs(
    shards: str | Sequence[str],
    skipped: MutableMapping[str, int] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Pair]:
    """All pairs of the shards, in shard order.

    Args:
        shards: As for ``expand_shards``.
        skipped: Counts of unusable samples by reason are added here.
        max_pixels: Larger images are skipped.

    Yields:
        The usable pairs. A shard that ends early ends silently here; ``take_census`` finds it.
    """
    counts: MutableMapping[str, int] = {} if skipped is None else skipped
    for shard in expand_shards(shards):
        with ShardReader(shard) as reader:
            for sample in iter_samples(reader):
                try:
                    yield sample.pair(max_pixels)
                except BadMemberError as error:
                    counts[error.reason.value] = counts.get(error.reason.value, 0) + 1


def _expand(pattern: str) -> list[str]:
    try:
        # Backslashes are Windows paths, not escapes.
        shards = list(braceexpand(pattern, escape=False))
    except ValueError as error:  # braceexpand.UnbalancedBracesError
        raise SettingError(f"Expected balanced braces but got '{pattern}': {error}.") from error
    return [found for shard in shards for found in _find(shard, pattern)]


def _find(shard: str, pattern: str) -> list[str]:
    if not is_local(shard) or Path(shard).is_file():
        return [shard]
    found = sorted(glob.glob(shard)) if glob.has_magic(shard) else []  # noqa: PTH207  Path.glob refuses absolute patterns
    found = [path for path in found if Path(path).is_file()]
    if found:
        return found
    if Path(shard).is_dir():
        raise DataNotFoundError(
            f"Expected shards but '{shard}' is a folder; name its shards: '{shard}/*.tar'."
        )
    if shard != pattern:
        raise DataNotFoundError(f"Shard '{shard}' of '{pattern}' is missing. {_ADVICE}")
    raise DataNotFoundError(f"No shard matches '{pattern}'. {_ADVICE}")


_ADVICE = (
    'Create one with: slug curate --concept "..." --out DIR; '
    "LAION shards are downloaded with img2dataset (data/README.md)."
)
