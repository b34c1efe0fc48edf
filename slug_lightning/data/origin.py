"""Where pairs come from: the digest of each shard, and the manifest that ``slug curate`` left beside them."""

import hashlib
import json
from pathlib import Path
from typing import Any

from slug_lightning.data.census import Census
from slug_lightning.data.members import is_local

MANIFEST = "manifest.json"  # curation.manifest.NAME, which is not imported: it brings all of curation


def shard_list(census: Census) -> bytes:
    """Digests of the shards as ``sha256sum`` writes them; the SHA-256 of this file is ``census.digest``."""
    lines = [f"{shard.sha256}  {Path(shard.shard).name}\n" for shard in census.shards if shard.sha256]
    return "".join(lines).encode("utf-8", "surrogateescape")


def curated_from(census: Census) -> dict[str, Any] | None:
    """The manifest of ``slug curate`` in the folder of the shards, or in the one above for a retain sample.

    Args:
        census: Of one role.

    Returns:
        File name, SHA-256, concept and version of the manifest, its digest of the shards, and whether that is
        the digest of the shards used (``agrees``); ``None`` if there is no manifest.
    """
    if not is_local(census.shards[0].shard):
        return None
    first = Path(census.shards[0].shard)
    for folder, part in ((first.parent, ""), (first.parent.parent, first.parent.name)):
        found = _read(folder / MANIFEST, part)
        if found is not None:
            return {**found, "agrees": found["digest"] == census.digest}
    return None


def _read(path: Path, part: str) -> dict[str, Any] | None:
    """Facts of a manifest that speaks of the shards in its folder (``part`` empty) or in ``retain``."""
    if part not in ("", "retain") or not path.is_file():
        return None
    content = path.read_bytes()
    try:
        manifest = json.loads(content)
        digest = (manifest[part] if part else manifest)["digest"]
        about = {name: str(manifest[name]) for name in ("concept", "package_version")}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None  # another program's manifest.json
    return {
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        **about,
        "digest": str(digest),
    }
