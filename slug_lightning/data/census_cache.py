"""Counts of shards, remembered: counting reads every byte, which takes hours for ten thousand shards."""

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from slug_lightning import __version__
from slug_lightning.atomic import write_text
from slug_lightning.data.census import MARK_EVERY, ShardCensus, count_shard
from slug_lightning.data.headers import Ending
from slug_lightning.data.members import FileState, is_local
from slug_lightning.data.promises import find_promise
from slug_lightning.errors import SettingError

# A file that was changed a moment ago may be changed again within the resolution of its time.
SETTLED_SECONDS = 2.0


class CensusCache:
    """A folder with one small JSON file for each local shard that was counted.

    A shard is counted again when its path, size or time of change (nanoseconds) is another one, or another
    version of this package counted it. A file rewritten with the same size and time is not noticed. Promises
    are never remembered. Several processes may use one folder.

    Args:
        folder: The folder; made if need be. Remove it, or any of its files, at any time.

    Raises:
        SettingError: If it cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refusal(error) from error

    def count(self, shard: str) -> ShardCensus:
        """Counts of one shard, remembered or new; as ``count_shard``."""
        if not is_local(shard) or not Path(shard).is_file():
            return count_shard(shard)
        path = Path(shard).resolve()
        about = path.stat()
        state = FileState(about.st_size, about.st_mtime_ns)
        name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        known = _recall(self.folder / f"{name}.json", shard, state)
        if known is not None:
            return replace(known, promise=find_promise(shard))
        counted = count_shard(shard)
        if counted.state == state and time.time() - state.modified / 1e9 > SETTLED_SECONDS:
            self._remember(self.folder / f"{name}.json", counted, state)
        return counted

    def _remember(self, file: Path, counted: ShardCensus, state: FileState) -> None:
        entry = {
            **_key(state),
            "shard": counted.name,  # for people; the file's name is what counts
            "samples": counted.samples,
            "ending": counted.ending.value,
            "sha256": counted.sha256,
            "marks": counted.marks,
            "repeats": sorted(counted.repeats),
        }
        try:
            write_text(file, json.dumps(entry))
        except OSError as error:
            if not file.is_file():  # another process may have been faster
                raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> SettingError:
        return SettingError(
            f"Expected data.census_cache to be a folder to write to but got '{self.folder}': {error}. "
            "Name another folder, or leave it out to count the shards in every run."
        )


def _key(state: FileState) -> dict[str, Any]:
    return {"version": __version__, "every": MARK_EVERY, "size": state.size, "modified": state.modified}


def _recall(file: Path, shard: str, state: FileState) -> ShardCensus | None:
    """What was counted of a file in this state, or ``None``."""
    try:
        entry = json.loads(file.read_text(encoding="utf-8"))
        if any(entry[name] != value for name, value in _key(state).items()):
            return None
        samples, marks = int(entry["samples"]), tuple(map(int, entry["marks"]))
        if samples < 0 or len(marks) not in (0, -(-samples // MARK_EVERY)) or len(entry["sha256"]) != 64:
            return None
        ending, repeats = Ending(entry["ending"]), frozenset(map(int, entry["repeats"]))
        return ShardCensus(shard, samples, ending, str(entry["sha256"]), state, None, marks, repeats)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):  # not there, or damaged
        return None
