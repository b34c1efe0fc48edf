"""``evidence.json``: similarity matrices and sample images before and after the edit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slug_lightning.atomic import write_text
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
class Evidence:
    """What ``evidence.json`` holds; either part may be missing."""

    similarity: Similarity | None
    samples: tuple[Sample, ...]


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


def _sample(entry: Mapping[str, Any]) -> Sample:
    return Sample(
        role=entry["role"],
        dataset=entry["dataset"],
        truth=entry["truth"],
        image=entry["image"],
        before=tuple((name, score) for name, score in entry["before"]),
        after=tuple((name, score) for name, score in entry["after"]),
    )
