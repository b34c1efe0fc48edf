"""``manifest.json``: what a deletion request must be able to show of its forget set.

It holds no time and no path but those that were given, so that the same search gives the same bytes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slug_lightning import __version__
from slug_lightning.curation.forget_set import ForgetSet
from slug_lightning.curation.kept import Kept
from slug_lightning.curation.retain_sample import RetainSample
from slug_lightning.data.shard_writer import LARGEST_SHARD
from slug_lightning.errors import BadDataError

NAME = "manifest.json"
FORMAT = 1


def manifest(
    settings: Mapping[str, Any],
    names: Sequence[str],
    forget: ForgetSet,
    retain: RetainSample,
    folder: Path,
) -> dict[str, Any]:
    """All that is known of a forget set.

    Args:
        settings: ``concept`` and all that decided which pairs were kept, as plain values.
        names: Of all sources.
        forget: Its pairs and sources.
        retain: The retain sample.
        folder: Where the shards were written, for the digests of its files.

    Returns:
        ``digest`` is that of ``data.forget.digest`` in the report of a run on these shards: what
        ``sha256sum *.tar | sha256sum`` prints in the folder.
    """
    left_out = dict(sorted(forget.left_out.items()))
    files = _digests(folder)
    return {
        "format_version": FORMAT,
        "package_version": __version__,
        **settings,
        "digest": _digest(files, ""),
        "counts": {
            "captions": forget.pairs,
            "matched": forget.matched,
            "kept": len(forget.kept),
            "left_out": left_out,
        },
        "sources": [asdict(source) for source in forget.sources],
        "pairs": _pairs(forget.kept, names),
        "retain": {
            "digest": _digest(files, "retain/"),
            "counts": {"kept": len(retain.kept), "left_out": dict(sorted(retain.left_out.items()))},
            "sources": [names[number] for number in retain.sources],
            "pairs": _pairs(retain.kept, names),
        },
        "files": files,
    }


def check_folder(folder: Path, settings: Mapping[str, Any], overwrite: bool) -> None:
    """Refuse a folder that holds anything but an earlier run of the same search.

    Args:
        folder: Where the forget set is to go.
        settings: As for ``manifest``.
        overwrite: Whether a search for the same concept with other settings may be replaced.

    Raises:
        BadDataError: If it holds another concept, another search or other files.
    """
    concept = settings["concept"]
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        present = json.loads((folder / NAME).read_text(encoding="utf-8"))
        theirs = {name: present.get(name) for name in settings}
    except (OSError, ValueError, AttributeError, RecursionError):
        shown = sorted(path.name for path in folder.iterdir())[:3] if folder.is_dir() else "a file"
        raise BadDataError(
            f"Expected an empty folder for {concept!r} but '{folder}' holds {shown} and no manifest of "
            "slug curate; name another --out, or move them away first."
        ) from None
    if theirs["concept"] != concept:
        raise BadDataError(
            f"Expected a folder for {concept!r} but '{folder}' holds that of {theirs['concept']!r}; "
            "name another --out, or remove that folder first."
        )
    changed = _differences(theirs, settings)
    if changed and not overwrite:
        raise BadDataError(
            f"Expected the settings that '{folder}' was curated with but {changed} differ; "
            "give --overwrite to replace it, or name another --out."
        )


def manifest_text(facts: Mapping[str, Any]) -> str:
    """The manifest as text: one line a pair and a source, so that it can be read and compared."""
    lines = ["{"]
    for name, value in facts.items():
        lines.append(f" {json.dumps(name)}: {_rows(value, 1)},")
    lines[-1] = lines[-1][:-1]
    return "\n".join([*lines, "}", ""])


def _differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Names of settings that are not the same, those inside of others by their own."""
    names: list[str] = []
    for name, value in ours.items():
        other = theirs.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            names += _differences(other, value)
        elif value != other:
            names.append(name)
    return names


def _rows(value: Any, depth: int) -> str:
    margin = " " * (depth + 1)
    if isinstance(value, dict) and any(isinstance(inner, (dict, list)) for inner in value.values()):
        rows = [f"{margin}{json.dumps(name)}: {_rows(inner, depth + 1)}" for name, inner in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + margin[:-1] + "}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        rows = [margin + json.dumps(inner) for inner in value]
        return "[\n" + ",\n".join(rows) + "\n" + margin[:-1] + "]"
    return json.dumps(value)


def _pairs(kept: Sequence[Kept], names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "key": f"{number // LARGEST_SHARD:05d}{number % LARGEST_SHARD:04d}",
            "source": names[pair.source],
            "source_key": pair.key,
            "url": pair.url,
            "sha256": pair.sha256,
            "download_sha256": pair.download_sha256,
            **({} if pair.similarity is None else {"similarity": pair.similarity}),
        }
        for number, pair in enumerate(kept)
    ]


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file, by its path in the folder."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _digest(files: Mapping[str, str], folder: str) -> str:
    """As ``Census.digest`` of all tars in the folder; empty if there are none."""
    tars = [name for name in files if name.endswith(".tar") and name == f"{folder}{Path(name).name}"]
    lines = [f"{files[name]}  {Path(name).name}\n" for name in tars]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if tars else ""
