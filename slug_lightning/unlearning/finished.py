"""Gradients of finished runs, found again by what they are of, not by where they are."""

import json
from collections.abc import Iterable
from pathlib import Path

from safetensors import SafetensorError, safe_open

GRADIENTS_FILE = "gradients.safetensors"
SHARED = ".retain"  # beside the concepts: gradients whose retain part a sweep's requests share


def find_gradients(folder: Path, key: str) -> Path | None:
    """Gradients of a finished run of the concept, of both roles, the newest first.

    Args:
        folder: Holds the folders of the concept's runs.
        key: What the gradients must be of.
    """
    return _newest(folder.glob(f"*/{GRADIENTS_FILE}"), "key", key)


def find_retain(folder: Path, key: str) -> Path | None:
    """Gradients of a finished run of any concept whose retain pairs were the same, the newest first.

    Those that a sweep keeps for all come before, so that the thousandth request lists no thousand folders.

    Args:
        folder: Holds the folders of concepts, which hold those of runs.
        key: What the retain gradients must be of.
    """
    shared = _newest((folder / SHARED).glob(f"*/{GRADIENTS_FILE}"), "retain_key", key)
    return shared or _newest(folder.glob(f"*/*/{GRADIENTS_FILE}"), "retain_key", key)


def _newest(paths: Iterable[Path], entry: str, key: str) -> Path | None:
    found = sorted(paths, key=_changed)
    return next((path for path in reversed(found) if _header(path).get(entry) == key), None)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # another worker has just removed it
        return -1


def _header(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError, json.JSONDecodeError):
        return {}
