"""The closing table of a run for the terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slug_lightning.reports.report_file import Measurement, MetricRow, metric_rows
from slug_lightning.reports.verdict import remarks, verdict
from slug_lightning.reports.wording import data_size, figures, percent, seconds, settings_text

_FILES = ("report.html", "report.pdf", "report.json", "patch.safetensors")


def closing_summary(report: Mapping[str, Any], run_dir: Path) -> RenderableType:
    """Verdict, metrics with intervals, layer and step, cost and paths; print it with rich.

    Names are shown as they are: square brackets in them are never read as markup.

    Args:
        report: A valid report.
        run_dir: Directory of the run; files that exist there are listed.
    """
    color = "green" if report["feasible"] else "yellow"
    parts: list[RenderableType] = [Text(verdict(report), style=f"bold {color}")]
    parts += [Text(sentence, style="dim") for sentence in remarks(report)]
    parts += [_metrics(report), _facts(report, run_dir)]
    return Group(*parts)


def measured_summary(heading: str, entries: Mapping[str, Any], labels: Mapping[str, str]) -> RenderableType:
    """Figures of one model, without a before and after; print it with rich.

    Args:
        heading: What was measured.
        entries: ``{"value", "n", "ci95"}`` by metric name, as in ``report.json``.
        labels: Display names of metrics.
    """
    rows = metric_rows({"metrics": {n: {"before": e} for n, e in entries.items()}, "labels": labels})
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text("↓ low, ↑ high is good [95 % interval]"))
    for column in ("value", "n"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(_label(row), _cell(row.before), Text(str(row.before.n)))
    return Group(Text(heading, style="bold"), table)


def _metrics(report: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text("↓ low, ↑ high is good [95 % interval]"))
    for side in ("before", "after", "n"):
        table.add_column(side, justify="right", no_wrap=True)
    for row in metric_rows(report):
        table.add_row(_label(row), _cell(row.before), _cell(row.after), Text(str(row.before.n)))
    return table


def _label(row: MetricRow) -> Text:
    return Text.assemble(("↓ " if row.lower_is_better else "↑ ", "dim"), row.label)


def _cell(measured: Measurement | None) -> Text:
    if measured is None:
        return Text("not edited", style="dim")
    interval = f" [{100 * measured.low:.1f}, {100 * measured.high:.1f}]"
    return Text.assemble((percent(measured.value), "bold"), (interval, "dim"))


def _facts(report: Mapping[str, Any], run_dir: Path) -> Table:
    efficiency = report["efficiency"]
    earlier = efficiency.get("gradients_from")
    gradients = f"of run {earlier}" if earlier else seconds(efficiency["gradient_seconds"])
    cost = f"gradients {gradients}, search {seconds(efficiency['search_seconds'])}, {efficiency['device']}"
    if efficiency["peak_memory_bytes"] is not None:
        cost += f", peak memory {data_size(efficiency['peak_memory_bytes'])}"
    facts = [("cost", cost)]
    if report["feasible"]:
        edit = (
            f"{report['method']}, many layers: {settings_text(report['settings'])}"
            if report.get("settings")
            else (f"{report['layer']} ({report['tower']}), step {figures(report['step'], 4)}")
        )
        facts.insert(0, ("edit", edit))
    if efficiency["patch_bytes"] is not None:
        facts.append(("patch", data_size(efficiency["patch_bytes"])))
    facts += [("file", str(run_dir / name)) for name in _FILES if (run_dir / name).exists()]
    if any(run_dir.glob("events.out.tfevents.*")):
        facts.append(("logs", f"tensorboard --logdir {run_dir}"))
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, value in facts:
        grid.add_row(Text(name, style="dim"), Text(value, overflow="fold"))
    return grid
