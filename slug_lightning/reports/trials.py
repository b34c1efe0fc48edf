"""``search.csv`` of a method with hyper-parameters: one row per trial."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slug_lightning.atomic import write_text


@dataclass(frozen=True)
class TrialRow:
    """One setting that was tried.

    Args:
        probe: Running number.
        settings: Values by hyper-parameter.
        relative_size: Norm of the update relative to that of all weights.
        feasible: Whether the forget criterion is at or under its target here.
        chosen: Whether this is the trial of the patch; at most one is.
        metrics: Shares, 0 to 1, by metric name; None where it was not measured.
    """

    probe: int
    settings: Mapping[str, float]
    relative_size: float
    feasible: bool
    chosen: bool
    metrics: Mapping[str, float | None] = field(default_factory=dict)


def write_trials(path: Path, rows: Sequence[TrialRow]) -> None:
    """Write the table, whole or not at all; floats keep every digit, what was not measured is empty."""
    settings = list(dict.fromkeys(name for row in rows for name in row.settings))
    metrics = list(dict.fromkeys(name for row in rows for name in row.metrics))
    draft = io.StringIO()
    table = csv.writer(draft, lineterminator="\n")
    table.writerow(["probe", *settings, "relative_size", *metrics, "feasible", "chosen"])
    for row in rows:
        values = [row.probe, *(row.settings.get(name) for name in settings), row.relative_size]
        values += [row.metrics.get(name) for name in metrics]
        table.writerow([*values, *(str(flag).lower() for flag in (row.feasible, row.chosen))])
    write_text(path, draft.getvalue())
