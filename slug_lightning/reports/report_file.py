"""``report.json``: the machine-readable result of a run, written and read whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slug_lightning.atomic import write_text
from slug_lightning.reports.documents import read_json_object
from slug_lightning.reports.schema import validate_report

_LABELS = {
    "forget/top1": "concept recognised, top-1",
    "forget/top5": "concept recognised, top-5",
    "retain/identities_top1": "other identities, top-1",
    "retain/imagenet_top1": "ImageNet zero-shot, top-1",
    "retain/imagenet_top5": "ImageNet zero-shot, top-5",
}


@dataclass(frozen=True)
class Measurement:
    """A share in ``[0, 1]`` measured on ``n`` images, with its 95 % interval."""

    value: float
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class MetricRow:
    """One metric before and after the edit; ``after`` is None when nothing was edited."""

    name: str
    label: str
    before: Measurement
    after: Measurement | None

    @property
    def lower_is_better(self) -> bool:
        """Whether a low value is the success, as it is for all ``forget/`` metrics."""
        return self.name.startswith("forget/")

    @property
    def relative_drop(self) -> float | None:
        """Loss as a share of the value before, None without an edit or when it was 0 before."""
        if self.after is None or self.before.value == 0:
            return None
        return (self.before.value - self.after.value) / self.before.value


def read_report(path: Path) -> dict[str, Any]:
    """Read and validate ``report.json``.

    Raises:
        DataNotFoundError: If the file is not there.
        BadDataError: If it is not JSON or breaks the contract.
    """
    report = read_json_object(path)
    validate_report(report)
    return report


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Validate ``report`` and write it, whole or not at all.

    Raises:
        BadDataError: If it breaks the contract; nothing is written then.
    """
    validate_report(report)
    write_text(path, json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def metric_rows(report: Mapping[str, Any]) -> list[MetricRow]:
    """Metrics of a valid report for tables: forget first, then retain, each in the file's order."""
    rows = [
        MetricRow(
            name,
            metric_label(name, report.get("labels", {})),
            _measurement(entry["before"]),
            _measurement(entry["after"]) if entry.get("after") else None,
        )
        for name, entry in report["metrics"].items()
    ]
    return sorted(rows, key=lambda row: not row.lower_is_better)


def metric_label(name: str, labels: Mapping[str, str]) -> str:
    """Display name of a metric: the report's own, else a known one, else the name itself.

    Example:
        >>> metric_label("forget/top1", {}), metric_label("retain/birds", {})
        ('concept recognised, top-1', 'retain/birds')
    """
    return labels.get(name) or _LABELS.get(name, name)


def _measurement(entry: Mapping[str, Any]) -> Measurement:
    low, high = entry["ci95"]
    return Measurement(entry["value"], entry["n"], low, high)
