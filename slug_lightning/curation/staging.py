"""What an unfinished run has found so far, source by source, so that the next one goes on from there.

Each finished source is a json with what is known of its pairs and, if there are any, a file with their
images, one behind the other. The json appears last: a source is there whole or not at all.
"""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slug_lightning.atomic import atomic_path, write_text
from slug_lightning.curation.harvest import About, FoundPair, Harvest

SETTINGS = "settings.json"


class Staging:
    """A folder of finished sources.

    Args:
        folder: Where it is; made when the first source is saved.
        settings: All that decides what a source gives. What was found with other settings is thrown away.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self._settings = json.dumps(settings, sort_keys=True)
        self._parent_is_ours = not folder.parent.exists()
        if folder.exists() and self._read(SETTINGS) != self._settings:
            self.remove()

    def save(self, name: str, state: str, harvest: Harvest) -> None:
        """Keep what a source gave.

        Args:
            name: A file name for it.
            state: Of the source; see ``Source.state``.
            harvest: What it gave.
        """
        if not (self.folder / SETTINGS).is_file():
            write_text(self.folder / SETTINGS, self._settings)
        if harvest.found:
            with atomic_path(self.folder / f"{name}.images") as draft, draft.open("wb") as file:
                for pair in harvest.found:
                    file.write(pair.image)
        record = {"state": state, **_plain(harvest)}
        write_text(self.folder / f"{name}.json", json.dumps(record))

    def holds(self, name: str, state: str) -> bool:
        """Whether what a source gave is kept, and the source has not changed since."""
        text = self._read(f"{name}.json")
        return text is not None and json.loads(text)["state"] == state

    def load(self, name: str) -> Harvest:
        """What a source gave."""
        record = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        images = self.folder / f"{name}.images"
        return _harvest(record, images.read_bytes() if record["found"] else b"")

    def remove(self) -> None:
        """Throw all of it away, and the folder it is in if that was made for it and is empty."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._parent_is_ours:
            with suppress(OSError):
                self.folder.parent.rmdir()

    def _read(self, name: str) -> str | None:
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.is_file() else None


def _plain(harvest: Harvest) -> dict[str, Any]:
    """All of a harvest but the images, whose lengths are kept."""
    return {
        "pairs": harvest.pairs,
        "matched": harvest.matched,
        "counts": dict(harvest.counts),
        "lookalikes": harvest.lookalikes,
        "problems": harvest.problems,
        "searched": harvest.searched,
        "found": [
            {
                "position": pair.position,
                "key": pair.key,
                "caption": pair.caption,
                "bytes": len(pair.image),
                "suffix": pair.suffix,
                "about": asdict(pair.about),
            }
            for pair in harvest.found
        ],
    }


def _harvest(record: dict[str, Any], images: bytes) -> Harvest:
    found, at = [], 0
    for pair in record["found"]:
        about = pair["about"]
        size = about["original_size"]
        image = images[at : at + pair["bytes"]]
        at += pair["bytes"]
        found.append(
            FoundPair(
                pair["position"],
                pair["key"],
                pair["caption"],
                image,
                pair["suffix"],
                About(about["url"], about["sha256"], None if size is None else (size[0], size[1])),
            )
        )
    return Harvest(
        record["pairs"],
        record["matched"],
        found,
        Counter(record["counts"]),
        record["lookalikes"],
        record["problems"],
        record["searched"],
    )
