"""Writing what was chosen: shards, a retain sample and the manifest, which appear together or not at all."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from slug_lightning.atomic import atomic_folder, write_text
from slug_lightning.curation.forget_set import ForgetSet
from slug_lightning.curation.harvest import FoundPair
from slug_lightning.curation.kept import Kept
from slug_lightning.curation.manifest import NAME, manifest, manifest_text
from slug_lightning.curation.retain_sample import RetainSample
from slug_lightning.curation.staging import Staging
from slug_lightning.data.shard_writer import ShardWriter

RETAIN = "retain"  # folder of the retain sample, beside the tars of the forget set


def publish(
    folder: Path,
    settings: Mapping[str, Any],
    names: Sequence[str],
    forget: ForgetSet,
    retain: RetainSample,
    staging: Staging,
) -> dict[str, Any]:
    """Write a forget set; an earlier one is replaced when the new one is whole.

    Args:
        folder: Where it goes.
        settings: As for ``manifest``.
        names: Of all sources.
        forget: Pairs to write; not empty.
        retain: Pairs of the retain sample; may be empty.
        staging: Where their images are.

    Returns:
        The manifest.
    """
    for draft in folder.parent.glob(f".{folder.name}.*.tmp"):  # of a run that was killed in here
        shutil.rmtree(draft, ignore_errors=True)
    with atomic_folder(folder) as draft:
        _write_shards(draft, forget.kept, staging)
        if retain.kept:
            _write_shards(draft / RETAIN, retain.kept, staging)
        facts = manifest(settings, names, forget, retain, draft)
        write_text(draft / NAME, manifest_text(facts))
    return facts


def staged_pairs(kept: Sequence[Kept], staging: Staging) -> Iterator[tuple[Kept, FoundPair]]:
    """The pairs themselves, in order; those of one source are in memory at a time."""
    for _, group in groupby(kept, key=lambda pair: pair.source):
        mine = list(group)
        stages = dict.fromkeys(pair.stage for pair in mine)
        found = {(stage, p.position): p for stage in stages for p in staging.load(stage).found}
        for pair in mine:
            yield pair, found[pair.stage, pair.position]


def _write_shards(folder: Path, kept: Sequence[Kept], staging: Staging) -> None:
    with ShardWriter(folder) as writer:
        for _, pair in staged_pairs(kept, staging):
            writer.add(pair.image, pair.suffix, pair.caption, pair.about.url, pair.about.original_size)
