"""Summary of a sweep: ``sweep.json``, ``sweep.csv`` and ``sweep.html``, a row for each request."""

import csv
import io
import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from slug_lightning.atomic import write_text
from slug_lightning.reports import wording
from slug_lightning.reports.report_file import metric_rows
from slug_lightning.reports.verdict import criterion, verdict, worst_retained
from slug_lightning.reports.wording import percent

Status = Literal["done", "infeasible", "failed"]
WORST = 10  # requests with the largest drops that stand apart on the page


@dataclass(frozen=True)
class SweepRow:
    """Outcome of one request.

    Attributes:
        id: Of the request.
        concept: What was to be forgotten.
        status: ``done`` with a patch, ``infeasible`` without a feasible point, or ``failed``.
        sentence: Why there is no patch; empty with one.
        run: Folder of the run below that of the sweep.
        layer: The edited layer.
        step: Its step.
        before: Share of final images of the concept that were recognised, by the run's criterion.
        after: The same with the patch.
        after_high: Upper end of its 95 % interval.
        images: Number of those images.
        worst: Label of the retained figure that dropped most, relative to itself.
        worst_before: That figure before.
        worst_after: That figure after.
        worst_drop: The relative drop.
        seconds: Wall clock of the request.
        cpu_seconds: Of its process.
        gradient_seconds: Of the gradient pass.
        search_seconds: Of the search.
        patch_bytes: Size of the patch.
        retain_shared: Whether the retain gradients were those of an earlier request.
    """

    id: str
    concept: str
    status: Status
    sentence: str = ""
    run: str | None = None
    layer: str | None = None
    step: float | None = None
    before: float | None = None
    after: float | None = None
    after_high: float | None = None
    images: int | None = None
    worst: str | None = None
    worst_before: float | None = None
    worst_after: float | None = None
    worst_drop: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    gradient_seconds: float | None = None
    search_seconds: float | None = None
    patch_bytes: int | None = None
    retain_shared: bool = False

    def timed(self, seconds: float, cpu_seconds: float) -> "SweepRow":
        """The row with what the request took."""
        return replace(self, seconds=seconds, cpu_seconds=cpu_seconds)

    @property
    def outcome(self) -> str:
        """A few words for the terminal."""
        if self.status != "done":
            return f"{self.status}: {self.sentence}"
        assert self.before is not None
        assert self.after is not None
        drop = "" if self.worst_drop is None else f", largest drop {percent(max(self.worst_drop, 0))}"
        return f"{percent(self.before)} to {percent(self.after)}{drop}"


def row_of_report(name: str, concept: str, run: str, report: Mapping[str, Any]) -> SweepRow:
    """The row of a run that came to its end.

    Args:
        name: Id of the request.
        concept: Its concept.
        run: Folder of the run below that of the sweep.
        report: A valid report.
    """
    rows = metric_rows(report)
    metric = criterion(report)[0]
    judged = next((row for row in rows if row.name == metric), rows[0])
    efficiency = report["efficiency"]
    row = SweepRow(
        id=name,
        concept=concept,
        status="done" if report["feasible"] else "infeasible",
        run=run,
        before=judged.before.value,
        images=judged.before.n,
        gradient_seconds=efficiency["gradient_seconds"],
        search_seconds=efficiency["search_seconds"],
        retain_shared=bool(efficiency.get("retain_gradients_from")),
    )
    if not report["feasible"] or judged.after is None:
        return replace(row, sentence=verdict(report))
    worst = worst_retained(rows)
    row = replace(
        row,
        layer=report["layer"],
        step=report["step"],
        after=judged.after.value,
        after_high=judged.after.high,
        patch_bytes=efficiency["patch_bytes"],
    )
    if worst is None or worst.after is None:
        return row
    return replace(
        row,
        worst=worst.label,
        worst_before=worst.before.value,
        worst_after=worst.after.value,
        worst_drop=worst.relative_drop,
    )


def sweep_sentence(rows: Sequence[SweepRow], total: int | None = None) -> str:
    """How many requests came to what.

    Example:
        >>> sweep_sentence([SweepRow("a", "a", "done"), SweepRow("b", "b", "failed")], total=3)
        '1 of 3 requests has a patch; 0 have no feasible point; 1 failed; 1 to go.'
    """
    counts = Counter(row.status for row in rows)
    total = len(rows) if total is None else total
    has = "has" if counts["done"] == 1 else "have"
    left = f"; {total - len(rows):,} to go" if total > len(rows) else ""
    return (
        f"{counts['done']:,} of {total:,} requests {has} a patch; {counts['infeasible']:,} have no feasible "
        f"point; {counts['failed']:,} failed{left}."
    )


def write_sweep(folder: Path, rows: Sequence[SweepRow], total: int, seconds: float) -> None:
    """Write the three files, each whole or not at all.

    Args:
        folder: Of the sweep.
        rows: Of the requests that are finished.
        total: Number of requests.
        seconds: Wall clock of this start of the sweep.
    """
    document = {
        "format_version": 1,
        "total": total,
        "counts": {
            name: sum(row.status == name for row in rows) for name in ("done", "infeasible", "failed")
        },
        "seconds": seconds,
        "requests": [asdict(row) for row in rows],
    }
    write_text(folder / "sweep.json", json.dumps(document, indent=1, allow_nan=False) + "\n")
    write_text(folder / "sweep.csv", _csv(rows))
    write_text(folder / "sweep.html", render_sweep(rows, total, seconds))


def _csv(rows: Sequence[SweepRow]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(SweepRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def render_sweep(rows: Sequence[SweepRow], total: int, seconds: float) -> str:
    """The page: what failed first, then the largest drops, then all; no scripts, no requests."""
    environment = Environment(
        loader=PackageLoader("slug_lightning.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("percent", "figures", "seconds", "data_size"):
        environment.filters[name] = getattr(wording, name)
    done = [row for row in rows if row.status == "done"]
    dropped = sorted((r for r in done if (r.worst_drop or 0) > 0), key=lambda r: -(r.worst_drop or 0))
    return environment.get_template("sweep.html").render(
        sentence=sweep_sentence(rows, total),
        complete=len(done) == total,
        rows=rows,
        failed=[row for row in rows if row.status == "failed"],
        infeasible=[row for row in rows if row.status == "infeasible"],
        dropped=dropped[:WORST] if len(done) > WORST else [],
        facts=_facts(rows, done, seconds),
    )


def _duration(value: float) -> str:
    """A wall clock that may be days."""
    return wording.seconds(value) if value < 3600 else f"{value / 3600:.1f} h"


def _facts(rows: Sequence[SweepRow], done: Sequence[SweepRow], seconds: float) -> list[tuple[str, str]]:
    """What a reader asks of many rows."""
    found = [("Wall clock", f"{_duration(seconds)} since this start of the sweep")]
    for shared, label in ((False, "With an own retain pass"), (True, "With shared retain gradients")):
        times = [row.seconds for row in rows if row.retain_shared == shared and row.run and row.seconds]
        if times:
            median = wording.seconds(statistics.median(times))
            found.append((label, f"{len(times):,}, {median} each (median)"))
    after = [row.after for row in done if row.after is not None]
    drops = [row.worst_drop for row in done if row.worst_drop is not None]
    if after:
        zero = sum(value == 0 for value in after)
        found.append(
            ("Recognised after", f"0 % in {zero:,} of {len(after):,}; at most {percent(max(after))}")
        )
    if drops:
        median = percent(max(statistics.median(drops), 0))
        found.append(("Largest drop", f"{median} (median), {percent(max(*drops, 0))} (most)"))
    stored = sum(row.patch_bytes or 0 for row in done)
    found.append(("Patches", f"{len(done):,}, {wording.data_size(stored)} together"))
    return found
