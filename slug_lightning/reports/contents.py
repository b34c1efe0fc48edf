"""The files of a run that its report is made of, read and checked against each other."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slug_lightning.errors import BadDataError, closest
from slug_lightning.reports.audit_file import read_audit
from slug_lightning.reports.evidence import Evidence, read_evidence
from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import LayerRow, SearchRow, read_layers, read_search

LISTED = (
    *("config.yaml", "gradients.safetensors", "layers.csv", "search.csv", "patch.safetensors"),
    *("report.json", "evidence.json", "audit.json", "forget.sha256", "retain.sha256"),
)


@dataclass(frozen=True)
class RunFile:
    """A file of the run: its name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """What a run left.

    Attributes:
        report: ``report.json``.
        layers: ``layers.csv``.
        search: ``search.csv``; maybe no row.
        evidence: ``evidence.json``, if the run kept it.
        audit: ``audit.json``, if the run was audited.
        shards: Digest and name of each shard by role, from ``forget.sha256`` and ``retain.sha256``.
        files: Those of ``LISTED`` that are there.
        reference: What the request is called where it came from.
    """

    report: Mapping[str, Any]
    layers: Sequence[LayerRow]
    search: Sequence[SearchRow]
    evidence: Evidence | None = None
    audit: Mapping[str, Any] | None = None
    shards: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    files: Sequence[RunFile] = ()
    reference: str | None = None

    def file(self, name: str) -> RunFile | None:
        """A file of the run by its name."""
        return next((file for file in self.files if file.name == name), None)


def read_contents(run_dir: Path, reference: str | None = None) -> Contents:
    """Read what the report of a run is made of.

    Args:
        run_dir: Folder of the run.
        reference: See ``Contents``; that of ``report.json`` by default.

    Raises:
        DataNotFoundError: If a needed file is missing.
        BadDataError: If a file breaks its contract, or two files contradict each other.
    """
    report = read_report(run_dir / "report.json")
    one_layer = "grid" not in report  # the trials of other methods stand in the report
    layers = read_layers(run_dir / "layers.csv") if one_layer else []
    search = read_search(run_dir / "search.csv") if one_layer else []
    kept, audit = run_dir / "evidence.json", run_dir / "audit.json"
    evidence = read_evidence(kept) if kept.exists() else None
    audited = read_audit(audit) if audit.exists() else None
    if one_layer:
        _check_agreement(report, layers, search)
    files = [_look(run_dir / name) for name in LISTED if (run_dir / name).is_file()]
    shards = {role: _shards(run_dir, role, entry["digest"]) for role, entry in report["data"].items()}
    contents = Contents(
        report, layers, search, evidence, audited, shards, files, reference or report.get("reference")
    )
    _check_patch(contents, run_dir)
    return contents


def _look(path: Path) -> RunFile:
    with path.open("rb") as file:
        return RunFile(path.name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _shards(run_dir: Path, role: str, digest: str) -> list[tuple[str, str]]:
    """Lines of a shard list, whose own SHA-256 is the digest that the report gives."""
    path = run_dir / f"{role}.sha256"
    if not path.is_file():
        return []
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise BadDataError(
            f"Expected {path.name} to have the SHA-256 that report.json gives for the {role} shards "
            f"({digest[:12]}...), but it has another; are the files of one run?"
        )
    lines = content.decode("utf-8", "replace").splitlines()
    return [(line[:64], line[66:]) for line in lines]


def _check_patch(contents: Contents, run_dir: Path) -> None:
    """A report must not speak of another patch than the one beside it."""
    said, found = contents.report.get("patch"), contents.file("patch.safetensors")
    if said and found and said["sha256"] != found.sha256:
        raise BadDataError(
            f"Expected {found.name} in {str(run_dir)!r} to have the SHA-256 that report.json gives "
            f"({said['sha256'][:12]}...), but got {found.sha256[:12]}...; put the patch of this run back."
        )


def _check_agreement(
    report: Mapping[str, Any], layers: Sequence[LayerRow], search: Sequence[SearchRow]
) -> None:
    """Refuse files of different runs: the edited layer must be scored and, if any is, chosen."""
    if not report["feasible"]:
        return
    layer, known = report["layer"], [row.layer for row in layers]
    if layer not in known:
        raise BadDataError(
            f"Layer {layer!r} of report.json is not in layers.csv ({len(known)} layers); are the files "
            f"of one run? Closest: {closest(layer, known)}."
        )
    chosen = next((row.layer for row in search if row.chosen), layer)
    if chosen != layer:
        raise BadDataError(
            f"Expected search.csv to choose {layer!r} as report.json does, but got {chosen!r}; are the "
            "files of one run?"
        )
