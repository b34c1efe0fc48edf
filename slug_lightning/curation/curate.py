"""From a concept and its sources to a forget set on disk."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slug_lightning import __version__
from slug_lightning.curation.contact_sheet import MOST, Shown, draw_sheet, pick
from slug_lightning.curation.executors import Executor, Here
from slug_lightning.curation.forget_set import ForgetSet, collect
from slug_lightning.curation.manifest import check_folder
from slug_lightning.curation.near_misses import near_misses
from slug_lightning.curation.publish import publish, staged_pairs
from slug_lightning.curation.query import Query
from slug_lightning.curation.retain_sample import RetainSample, draw
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.curation.source import Source
from slug_lightning.curation.staging import Staging
from slug_lightning.data.captions import concept_folder
from slug_lightning.errors import ConceptNotFoundError

CAPTIONS_LOOKED_AT = 10_000  # for near misses, when nothing is found


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        folder: Where the forget set is, or would be.
        digest: Of its tars; empty after a dry run.
        forget: The forget set.
        retain: The retain sample.
        sheet: The contact sheet of a dry run.
    """

    folder: Path
    digest: str
    forget: ForgetSet
    retain: RetainSample
    sheet: Path | None = None


def curate(
    query: Query,
    sources: Sequence[Source],
    out: Path,
    settings: CurationSettings = CurationSettings(),
    given: Mapping[str, Any] | None = None,
    executor: Executor | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
    watch: Callable[[ForgetSet], None] | None = None,
) -> Outcome:
    """Search sources for a concept and write ``out/<concept>/`` in img2dataset's layout, with a manifest.

    The same search gives the same bytes, on any number of processes. A run that is stopped leaves what it has
    found in a hidden folder in ``out``, from which the same run goes on; a finished one leaves none.

    Args:
        query: What to look for; its ``limit`` and ``distinct`` are set from ``settings``.
        sources: Where.
        out: Folder of forget sets.
        settings: What to keep.
        given: How the sources were named, for the manifest; by default their names.
        executor: What reads the sources; by default this process. It changes nothing in the result.
        dry_run: Count, draw a contact sheet beside the folder and write nothing else; no retain sample.
        overwrite: Replace a forget set of the same concept that was curated with other settings.
        watch: Called with what there is after each source that was searched.

    Raises:
        ConceptNotFoundError: If no pair is found; near misses are said. Nothing is written or replaced.
        BadDataError: If the folder holds something else, or a source is damaged beyond use.
        DataNotFoundError: If a source is not there.
    """
    folder = out / concept_folder(query.concept)
    facts = _facts(query, settings, given or {"sources": [source.name for source in sources]})
    if not dry_run:
        check_folder(folder, facts, overwrite)
    names = [source.name for source in sources]
    kind = "dry-run" if dry_run else "curate"
    identity = {**facts, "names": _hash(names), "package_version": __version__}
    staging = Staging(out / f".{folder.name}.{kind}", identity)
    forget = collect(sources, _bounded(query, settings), settings, staging, executor or Here(), watch)
    if not forget.kept:
        staging.remove()
        raise _nothing(query, sources, forget)
    if dry_run:
        sheet = out / f"{folder.name}_dry_run.png"
        _draw(forget, query, staging, sheet)
        staging.remove()
        return Outcome(folder, "", forget, RetainSample(), sheet)
    retain = draw(sources, query, settings, forget.kept, staging, executor or Here())
    written = publish(folder, facts, names, forget, retain, staging)
    staging.remove()
    return Outcome(folder, written["digest"], forget, retain)


def _facts(query: Query, settings: CurationSettings, given: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides which pairs are kept, as plain values that survive a json file."""
    facts = {
        "concept": query.concept,
        "matcher": {"names": [query.concept, *query.aliases], "regex": query.regex},
        "given": dict(given),
        "settings": {**asdict(settings), "max_pixels": query.max_pixels},
    }
    plain: dict[str, Any] = json.loads(json.dumps(facts, default=str))
    return plain


def _bounded(query: Query, settings: CurationSettings) -> Query:
    """What one source must give: with a model that drops pairs, nobody knows how many are enough."""
    limit = None if settings.clip_model else settings.limit
    return Query(query.concept, query.aliases, query.regex, limit, settings.deduplicate, query.max_pixels)


def _hash(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()


def _draw(forget: ForgetSet, query: Query, staging: Staging, path: Path) -> None:
    chosen = [forget.kept[number] for number in pick(len(forget.kept))]
    shown = [
        Shown(
            pair.image, pair.caption, kept.key if kept.similarity is None else f"cosine {kept.similarity:.3f}"
        )
        for kept, pair in staged_pairs(chosen, staging)
    ]
    some = f"{len(shown)} of " if len(forget.kept) > MOST else ""
    draw_sheet(shown, f"{query.concept}: {some}{len(forget.kept):,} pairs", path)


def _nothing(query: Query, sources: Sequence[Source], forget: ForgetSet) -> ConceptNotFoundError:
    names = [query.concept, *query.aliases]
    plural = "s" if len(forget.sources) != 1 else ""
    searched = f"{forget.pairs:,} captions in {len(forget.sources):,} source{plural}"
    if forget.matched:
        counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(forget.left_out.items()))
        return ConceptNotFoundError(
            f"Expected pairs of {query.concept!r} but none of the {forget.matched:,} that name it is usable, "
            f"out of {searched} ({counts}); look at the shards with those reasons, or lower --min_similarity."
        )
    captions = [c for source in sources[:3] for c in source.captions(CAPTIONS_LOOKED_AT // 3)]
    near = near_misses(captions, names) or [repr(caption) for caption in forget.lookalikes[:3]]
    hint = f"Closest: {near}." if near else "Add other spellings with --aliases, or search more shards."
    problems = f" {forget.problems[0]}" if forget.problems else ""
    return ConceptNotFoundError(
        f"Expected captions that name {query.concept!r} but none of {searched} does. {hint}{problems}"
    )
