"""Which shards a pattern means, and all their pairs in order."""

import glob
from collections.abc import Iterator, MutableMapping, Sequence
from pathlib import Path
from typing import Literal

from braceexpand import braceexpand

from slug_lightning.data.images import MAX_PIXELS
from slug_lightning.data.members import ShardReader, is_local
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.data.samples import Pair, iter_samples
from slug_lightning.errors import DataNotFoundError, SettingError

__all__ = ["Pair", "expand_shards", "iter_pairs"]


Missing = Literal["refuse", "skip"]


def expand_shards(shards: str | Sequence[str], missing: Missing = "refuse") -> list[str]:
    """Expand brace ranges and globs to the list of shards, in order.

    Args:
        shards: Paths with ``{00000..00003}``, ``{a,b}``, ``*``, ``?`` or ``[...]``; plain paths;
            urls and ``pipe:`` commands, in which only braces are expanded. One string or several.
        missing: Whether named shards that are no files are refused, or returned with the others as long as
            there are others.

    Returns:
        Paths and urls, none twice: strings in the order given, ranges in theirs, globs sorted.

    Raises:
        DataNotFoundError: If a pattern matches nothing or named shards are missing; the first three are said.
        SettingError: If no shard is given or braces are unbalanced.

    Example:
        >>> expand_shards("https://host/{00000..00002}.tar")
        ['https://host/00000.tar', 'https://host/00001.tar', 'https://host/00002.tar']
    """
    patterns = [shards] if isinstance(shards, str) else list(shards)
    named: dict[str, str] = {}
    for pattern in patterns:
        for shard in _expand(str(pattern)):
            named.setdefault(shard, str(pattern))
    if not named:
        raise SettingError("Expected at least one shard but got none; name a tar, a range or a glob.")
    absent = [shard for shard in named if not _is_there(shard)]
    if absent and (missing == "refuse" or len(absent) == len(named)):
        raise _absent(named, absent)
    return list(named)


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
        named = list(braceexpand(pattern, escape=False))
    except ValueError as error:  # braceexpand.UnbalancedBracesError
        raise SettingError(f"Expected balanced braces but got '{pattern}': {error}.") from error
    return [found for shard in named for found in _find(shard)]


def _find(shard: str) -> list[str]:
    """What a pattern without braces names; itself if nothing matches."""
    if not _is_there(shard) and Path(shard).is_dir():
        raise DataNotFoundError(
            f"Expected shards but '{shard}' is a folder; name its shards: '{shard}/*.tar'."
        )
    if _is_there(shard) or not glob.has_magic(shard):
        return [shard]
    found = sorted(glob.glob(shard))  # noqa: PTH207  Path.glob refuses absolute patterns
    # Links to nothing and pipes are shards that are lost; folders of that name are not meant.
    return [path for path in found if not Path(path).is_dir()] or [shard]


def _is_there(shard: str) -> bool:
    return not is_local(shard) or Path(shard).is_file()


def _absent(named: dict[str, str], absent: list[str]) -> DataNotFoundError:
    """The error for shards that are not there, given the pattern of each."""
    first, patterns = absent[0], {named[shard] for shard in absent}
    if first == named[first] and len(named) == 1:
        return DataNotFoundError(f"No shard matches '{first}'. {_CREATE}")
    of = f" of '{named[first]}'" if len(patterns) == 1 and first != named[first] else ""
    if len(absent) == 1:
        return DataNotFoundError(f"Shard '{first}'{of} is missing. {_REPAIR}")
    shown = ", ".join(f"'{shard}'" for shard in absent[:3])
    rest = f" and {len(absent) - 3:,} more" if len(absent) > 3 else ""
    return DataNotFoundError(
        f"Expected {len(named):,} shards{of} but {len(absent):,} are missing: {shown}{rest}. {_REPAIR}"
    )


_CREATE = (
    'Create one with: slug curate --concept "..." --out DIR; '
    "LAION shards are downloaded with img2dataset (data/README.md)."
)
_REPAIR = "Download again with img2dataset, name what is there alone, or set missing_shards to skip."
