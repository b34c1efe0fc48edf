"""Outcomes of a sweep: a row for each request, in ``sweep.json`` and ``sweep.csv``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from slug_lightning.reports.report_file import metric_rows
from slug_lightning.reports.verdict import criterion, verdict, worst_retained
from slug_lightning.reports.wording import percent

Status = Literal["done", "infeasible", "failed"]


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
