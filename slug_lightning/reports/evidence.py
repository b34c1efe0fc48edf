"""``evidence.json``: similarity matrices and sample images before and after the edit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slug_lightning.atomic import write_text
from slug_lightning.errors import BadDataError
from slug_lightning.reports.documents import read_json_object
from slug_lightning.reports.schema import validate_evidence


@dataclass(frozen=True)
class Similarity:
    """Cosines between images (rows) and prompts (columns), ``len(names)`` squared, in ``[-1, 1]``."""

    names: tuple[str, ...]
    before: tuple[tuple[float, ...], ...]
    after: tuple[tuple[float, ...], ...]
    rows: str
    columns: str


@dataclass(frozen=True)
class Sample:
    """One image as a data URI, its true name and the top predictions ``(name, probability)``."""

    role: str
    dataset: str
    truth: str
    image: str
    before: tuple[tuple[str, float], ...]
    after: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class HostCell:
    """One image of a host as a data URI, where it stands, what was seen in it, and whether it should be."""

    row: str
    column: str
    image: str
    said: str
    right: bool


@dataclass(frozen=True)
class HostGrid:
    """What a host did, as a table of images before and after."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    before: tuple[HostCell, ...]
    after: tuple[HostCell, ...]


@dataclass(frozen=True)
class Evidence:
    """What ``evidence.json`` holds; any part may be missing."""

    similarity: Similarity | None
    samples: tuple[Sample, ...]
    host: HostGrid | None = None


def read_evidence(path: Path) -> Evidence:
    """Read and validate ``evidence.json``.

    Raises:
        DataNotFoundError: If the file is not there.
        BadDataError: If it is not JSON or breaks the contract; images must be data URIs.
    """
    document = read_json_object(path)
    validate_evidence(document)
    similarity = document.get("similarity")
    return Evidence(
        similarity=None if similarity is None else _similarity(similarity),
        samples=tuple(_sample(entry) for entry in document.get("samples", [])),
        host=_host(document["host"]) if "host" in document else None,
    )


def write_evidence(path: Path, evidence: Mapping[str, Any]) -> None:
    """Validate ``evidence`` (the JSON document) and write it, whole or not at all.

    Raises:
        BadDataError: If it breaks the contract; nothing is written then.
    """
    validate_evidence(evidence)
    write_text(path, json.dumps(evidence, ensure_ascii=False, allow_nan=False) + "\n")


def _similarity(entry: Mapping[str, Any]) -> Similarity:
    return Similarity(
        names=tuple(entry["names"]),
        before=tuple(map(tuple, entry["before"])),
        after=tuple(map(tuple, entry["after"])),
        rows=entry.get("rows", "images"),
        columns=entry.get("columns", "prompts"),
    )


def _host(entry: Mapping[str, Any]) -> HostGrid:
    before, after = (tuple(HostCell(**cell) for cell in entry[side]) for side in ("before", "after"))
    rows, columns = (dict.fromkeys(getattr(cell, key) for cell in before) for key in ("row", "column"))
    known = {(cell.row, cell.column) for cell in before}
    if known != {(cell.row, cell.column) for cell in after}:
        raise BadDataError("Expected the host's examples before and after in the same rows and columns.")
    return HostGrid(tuple(rows), tuple(columns), before, after)


def _sample(entry: Mapping[str, Any]) -> Sample:
    return Sample(
        role=entry["role"],
        dataset=entry["dataset"],
        truth=entry["truth"],
        image=entry["image"],
        before=tuple((name, score) for name, score in entry["before"]),
        after=tuple((name, score) for name, score in entry["after"]),
    )
