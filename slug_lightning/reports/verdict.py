"""The result of a run in one plain sentence, and what has to be said beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from slug_lightning.reports.report_file import MetricRow, metric_label, metric_rows
from slug_lightning.reports.wording import figures, percent, settings_text


def verdict(report: Mapping[str, Any]) -> str:
    """One sentence: what was reached, or why there is no feasible point.

    Args:
        report: A valid report; its ``search`` tells what came nearest when nothing was feasible.
    """
    metric, target = criterion(report)
    if not report["feasible"]:
        return _nothing_feasible(report, metric, target)
    row = next(row for row in metric_rows(report) if row.name == metric)
    assert row.after is not None  # the schema asks for it when feasible
    before, after = percent(row.before.value), percent(row.after.value)
    if not is_met(report):
        return (
            f"The search met its target of {percent(target)}, but the closing evaluation did not: "
            f"{row.label} went from {before} to {after}{_cost(report)}."
        )
    return (
        f"“{report['concept']}” is forgotten by the criterion of this run: {row.label} went from "
        f"{before} to {after}{_cost(report)}."
    )


def is_met(report: Mapping[str, Any]) -> bool:
    """Whether the closing evaluation met the target, too; it has other images than the search."""
    metric, target = criterion(report)
    after = next((row.after for row in metric_rows(report) if row.name == metric), None)
    return bool(report["feasible"]) and after is not None and after.value <= target + 1e-12


def remarks(report: Mapping[str, Any]) -> list[str]:
    """Sentences that a careful reader needs beside the verdict; often none."""
    metric, target = criterion(report)
    rows = {row.name: row for row in metric_rows(report)}
    row = rows[metric]
    found = []
    if row.before.value <= target:
        found.append(
            f"The original model does not recognise the concept either ({percent(row.before.value)} "
            f"before, target {percent(target)}), so there was nothing to forget by this criterion."
        )
    if row.after is not None and row.after.value == 0:
        found.append(
            f"None of {row.after.n} images counted for this criterion; with that many images, the 95 % "
            f"interval of the true share still reaches up to {percent(row.after.high)}."
        )
    if not any(name.startswith("retain/") for name in rows):
        found.append("No retained metric was measured: what the edit costs elsewhere is unknown.")
    return found


def criterion(report: Mapping[str, Any]) -> tuple[str, float]:
    """Metric that decides what is feasible, and its target, 0 to 1."""
    entry = report.get("criterion", {})
    return entry.get("metric", "forget/top1"), entry.get("target", 0.0)


def worst_retained(rows: Sequence[MetricRow]) -> MetricRow | None:
    """Retained metric with the largest relative drop, None when there is none to compare."""
    drops = [row for row in rows if not row.lower_is_better and row.relative_drop is not None]
    return max(drops, key=lambda row: row.relative_drop or 0.0, default=None)


def _cost(report: Mapping[str, Any]) -> str:
    worst = worst_retained(metric_rows(report))
    if worst is None or worst.after is None or worst.relative_drop is None:
        return ""
    before, after = percent(worst.before.value), percent(worst.after.value)
    if worst.relative_drop <= 0:
        return f"; no retained metric dropped ({worst.label}: {before} to {after})"
    drop = percent(worst.relative_drop)
    return (
        f"; the largest relative drop among the retained metrics is {drop} "
        f"({worst.label}: {before} to {after})"
    )


def _nothing_feasible(report: Mapping[str, Any], metric: str, target: float) -> str:
    probes = [probe for probe in report["search"] if probe.get(metric) is not None]
    if not probes:
        return "No feasible point: no step was evaluated; nothing was changed."
    label = metric_label(metric, report.get("labels", {}))
    if "settings" in probes[0]:
        return _no_setting_feasible(probes, metric, target, label)
    best = min(probes, key=lambda probe: (probe[metric], probe["step"]))
    layers = len({probe["layer"] for probe in probes})
    return (
        f"No feasible point: none of {len(probes)} evaluated steps on {layers} "
        f"{'layer' if layers == 1 else 'layers'} brought {label} to {percent(target)} or below; the "
        f"lowest was {percent(best[metric])} ({best['layer']}, step {figures(best['step'])}); "
        "nothing was changed."
    )


def _no_setting_feasible(probes: Sequence[Mapping[str, Any]], metric: str, target: float, label: str) -> str:
    best = min(probes, key=lambda probe: float(probe[metric]))
    return (
        f"No feasible point: none of {len(probes)} settings brought {label} to {percent(target)} or below; "
        f"the lowest was {percent(best[metric])} ({settings_text(best['settings'])}); nothing was changed."
    )
