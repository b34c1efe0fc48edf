"""Summary of a sweep: ``sweep.json``, ``sweep.csv`` and ``sweep.html``, a row for each request."""

import base64
import csv
import hashlib
import io
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, fields
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from slug_lightning.atomic import write_text
from slug_lightning.reports import wording
from slug_lightning.reports.pages import page_environment
from slug_lightning.reports.sweep import SweepRow, sweep_sentence
from slug_lightning.reports.wording import percent

WORST = 10  # requests with the largest drops that stand apart on the page


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
    """The page: what failed first, then the largest drops, then all, which a reader can sort and narrow.

    Its one script does that. It is written into the page, the policy names its hash and allows no other;
    without it the page says the same.
    """
    environment = page_environment(("percent", "figures", "seconds", "data_size"))
    script = (files("slug_lightning.reports") / "templates" / "sweep.js").read_text(encoding="utf-8")
    done = [row for row in rows if row.status == "done"]
    dropped = sorted((r for r in done if (r.worst_drop or 0) > 0), key=lambda r: -(r.worst_drop or 0))
    return environment.get_template("sweep.html").render(
        sentence=sweep_sentence(rows, total),
        complete=len(done) == total,
        rows=rows,
        failed=[row for row in rows if row.status == "failed"],
        infeasible=[row for row in rows if row.status == "infeasible"],
        done=done,
        dropped=dropped[:WORST] if len(done) > WORST else [],
        facts=_facts(rows, done, seconds),
        script=Markup(script),  # ours, not data
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
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
