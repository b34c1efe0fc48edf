"""``audit.json``: what attacks on a run found, written and read whole."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slug_lightning.atomic import write_text
from slug_lightning.reports.documents import read_json_object
from slug_lightning.reports.schema import validate_audit

CLIP = "clip"
FORGET = ("forget/top1", "forget/host")  # what the share of the concept is called, on the CLIP and on a host
VERSIONS = ("before", "after", "gold")
VERSION_NAMES = {"before": "original", "after": "patched", "gold": "never saw it"}
# Names of the rows of the summary; the wording itself is put in.
_KINDS = {
    "template": "sentence “{}”",
    "paraphrase": "paraphrase “{}”",
    "misspelling": "misspelled “{}”",
    "language": "called {}",
    "control": "control “{}”",
    "all": "{}",
    "question": "asked “{}”",
    "picture": "picture: {}",
    "arithmetic": "arithmetic, worst of all",
}


@dataclass(frozen=True)
class Compared:
    """Figures of one metric under one condition, side by side.

    Attributes:
        metric: What was measured.
        condition: Under which attack.
        by_version: Entries of ``audit.json`` by version.
    """

    metric: str
    condition: str
    by_version: Mapping[str, Mapping[str, Any]]


def read_audit(path: Path) -> dict[str, Any]:
    """Read and validate ``audit.json``.

    Raises:
        DataNotFoundError: If the file is not there.
        BadDataError: If it is not JSON or breaks the contract.
    """
    document = read_json_object(path)
    validate_audit(document)
    return document


def write_audit(path: Path, document: Mapping[str, Any]) -> None:
    """Validate the document and write it, whole or not at all.

    Raises:
        BadDataError: If it breaks the contract; nothing is written then.
    """
    validate_audit(document)
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def attacks_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Host, name and entry of every attack, in the file's order."""
    for host, part in document["hosts"].items():
        for name, attack in part["attacks"].items():
            yield host, name, attack


def compare(attack: Mapping[str, Any]) -> list[Compared]:
    """Figures without a place on an axis, the versions of each side by side, in the file's order."""
    rows: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for figure in attack["figures"]:
        key = figure["metric"], figure["condition"]
        rows.setdefault(key, {}).setdefault(figure["version"], figure)
    return [Compared(metric, condition, by_version) for (metric, condition), by_version in rows.items()]


def summarise_forget(attacks: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Compared]]:
    """One line for each way the concept was asked for: what it is called, and its shares by version.

    Of wordings and arithmetic the one that recognises most of the concept in the patched model; of training
    on, the last update.
    """
    found: list[tuple[str, Compared]] = []
    for name, attack in attacks.items():
        if name == "relearning":
            found += _last_updates(attack)
            continue
        if name == "probe":
            found += [(f"probe: {row.condition}", row) for row in _rows(attack, "probe/concept")]
            continue
        rows = _rows(attack, *FORGET)
        if name in ("wordings", "arithmetic"):
            found += _worst_of_kinds(rows, name)
        else:
            found += [(row.condition, row) for row in rows]
    return found


def _rows(attack: Mapping[str, Any], *metrics: str) -> list[Compared]:
    return [row for row in compare(attack) if row.metric in metrics and "after" in row.by_version]


def _worst_of_kinds(rows: list[Compared], name: str) -> list[tuple[str, Compared]]:
    """Of each kind the row that recognises most in the patched model, with its wording."""
    kinds: dict[str, list[Compared]] = {}
    for row in rows:
        kind = row.condition.split(": ")[0] if name == "wordings" else name
        kinds.setdefault(kind, []).append(row)
    found = []
    for kind, own in kinds.items():
        row = max(own, key=_after)
        found.append((_KINDS.get(kind, "{}").format(row.condition.partition(": ")[2]), row))
    return found


def _after(row: Compared) -> float:
    value: float = row.by_version["after"]["value"]
    return value


def _last_updates(attack: Mapping[str, Any]) -> list[tuple[str, Compared]]:
    curves: dict[str, dict[str, Mapping[str, Any]]] = {}
    for figure in attack["figures"]:
        if figure["metric"] in FORGET:
            curves.setdefault(figure["condition"], {})[figure["version"]] = figure  # the last one stays
    return [
        (f"{label}, {own['after']['x']:g} updates", Compared(own["after"]["metric"], label, own))
        for label, own in curves.items()
        if "after" in own
    ]
