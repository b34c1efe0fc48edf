"""The account a run gives of itself: the contents of ``report.json`` and ``search.csv``."""

import hashlib
import json
import platform
import resource
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from slug_lightning import __version__
from slug_lightning.callbacks.change import describe_change
from slug_lightning.data.origin import curated_from
from slug_lightning.hosts import HostMetric
from slug_lightning.models import tower_of
from slug_lightning.patch import Patch
from slug_lightning.reports.tables import SearchRow
from slug_lightning.reports.trials import TrialRow
from slug_lightning.search import Measured, Point, Probe, SearchSettings, Trace
from slug_lightning.search.grid import GridSettings
from slug_lightning.search.host_evaluator import host_metric_name
from slug_lightning.unlearning import SLUG, Baseline, Outcome

PACKAGES = ("torch", "lightning", "torchmetrics", "open_clip_torch", "webdataset", "safetensors")


def search_rows(trace: Trace) -> list[SearchRow]:
    """The trace as rows of ``search.csv``; metrics that were not measured stay empty."""
    return [
        SearchRow(
            probe=probe.number,
            layer=probe.point.layer,
            tower=tower_of(probe.point.layer),
            step=probe.point.step,
            relative_step=probe.relative_step,
            feasible=probe.feasible,
            chosen=probe is trace.best and probe.feasible,
            metrics=_figures(trace, probe),
        )
        for probe in trace.probes
        if isinstance(probe.point, Point)
    ]


def trial_rows(trace: Trace) -> list[TrialRow]:
    """The trace of a method with hyper-parameters as rows of ``search.csv``."""
    return [
        TrialRow(
            probe=probe.number,
            settings=probe.point.values,
            relative_size=probe.relative_step,
            feasible=probe.feasible,
            chosen=probe is trace.best and probe.feasible,
            metrics=_figures(trace, probe),
        )
        for probe in trace.probes
        if not isinstance(probe.point, Point)
    ]


def _figures(trace: Trace, probe: Probe) -> dict[str, float | None]:
    names = sorted({name for each in trace.probes for name in each.measured.metrics})
    return {name: _value(probe.measured, name) for name in names}


def compose_report(trainer: Any, module: Any, patch: Path | None) -> dict[str, Any]:
    """Everything ``report.json`` holds; see its schema.

    Args:
        trainer: The trainer of the run.
        module: Its module, with an outcome.
        patch: The patch file, or ``None`` if there is none.
    """
    outcome: Outcome = module.outcome
    seconds, name = getattr(module, "seconds", {}), Path(sys.argv[0]).name
    return {
        "format_version": 1,
        "concept": module.data.concept,
        "method": module.method,
        "base_model": module.load().name,
        **_edit(module, outcome.trace),
        "feasible": outcome.trace is not None and outcome.trace.feasible,
        "metrics": _metrics(outcome),
        "search": _probes(outcome.trace),
        "criterion": _criterion(module),
        "efficiency": {
            "gradient_seconds": seconds.get("gradient", 0.0),
            "gradients_from": _run_of(getattr(module, "gradients_from", None)),
            "retain_gradients_from": _concept_run(getattr(module, "retain_from", None)),
            "search_seconds": seconds.get("search", 0.0),
            "edit_seconds": seconds.get("edit"),
            "peak_memory_bytes": peak_memory(module.device),
            "patch_bytes": patch.stat().st_size if patch else None,
            "device": device_name(module.device),
        },
        "data": _data(module),
        "evaluation": module.data.evaluation_account(),
        "environment": environment(trainer),
        "command": shlex.join(["slug" if name == "__main__.py" else name, *sys.argv[1:]]),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": trainer.run_dir.name,
        "seed": _seed(module),
        "labels": {**module.data.labels, **host_labels(module)},
        **({"host": account} if (account := _host_account(module)) else {}),
        "patch": _file_entry(patch),
        "change": _change(module, patch),
        "unreadable_images": {name: n for name, n in module.unreadable.items() if n},
        "layers": _layer_counts(module),
    }


def _change(module: Any, patch: Path | None) -> dict[str, Any] | None:
    """Of an edit of one layer; other methods move many."""
    if patch is None or not isinstance(module, SLUG):
        return None
    return describe_change(Patch.load(patch), module.network)


def peak_memory(device: torch.device) -> int:
    """Most memory the process held so far, in bytes: on the accelerator if it is one, else resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB


def device_name(device: torch.device) -> str:
    """What the run computed on, e.g. ``NVIDIA H200`` or ``cpu (2 threads)``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{device.type} ({threads} {'thread' if threads == 1 else 'threads'})"


def environment(trainer: Any) -> dict[str, str]:
    """Versions and settings that figures may depend on."""
    return {
        "slug_lightning": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "precision": str(trainer.precision),
        "processes": str(trainer.world_size),
    }


def _value(measured: Measured, name: str) -> float | None:
    accuracy = measured.metrics.get(name)
    return accuracy.value if accuracy is not None and accuracy.n else None


def _metrics(outcome: Outcome) -> dict[str, Any]:
    after: Mapping[str, Any] = outcome.after.metrics if outcome.after else {}
    return {
        name: {"before": before.entry(), "after": after[name].entry() if name in after else None}
        for name, before in outcome.before.metrics.items()
        if before.n
    }


def _edit(module: Any, trace: Trace | None) -> dict[str, Any]:
    """What was changed: a layer by a step, or many layers by a setting of the method."""
    best = trace.best if trace else None
    if best is not None and isinstance(best.point, Point):
        return {"layer": best.point.layer, "tower": best.tower, "step": best.point.step}
    nothing = {"layer": None, "tower": None, "step": None}
    if best is None or isinstance(best.point, Point):
        return nothing
    return nothing | {"settings": dict(best.point.values), "grid": module.grid()}


def _probes(trace: Trace | None) -> list[dict[str, Any]]:
    if trace is None:
        return []
    points = [
        {"layer": r.layer, "step": r.step, "relative_step": r.relative_step, "feasible": r.feasible}
        | dict(r.metrics)
        for r in search_rows(trace)
    ]
    trials = [
        {"settings": dict(r.settings), "relative_size": r.relative_size, "feasible": r.feasible}
        | dict(r.metrics)
        for r in trial_rows(trace)
    ]
    return points + trials


def _criterion(module: Any) -> dict[str, Any]:
    if not isinstance(module, SLUG | Baseline):
        return {"metric": "forget/top1", "target": 0.0}
    settings = module.search
    return {
        "metric": f"forget/{settings.criterion}",
        "target": settings.forget_target,
        "measured_on": ", ".join(_measured_on(settings)),
    }


def _measured_on(settings: SearchSettings | GridSettings) -> list[str]:
    """Which images, and what the search asks for beyond the usual prompts."""
    if isinstance(settings, GridSettings):
        return ["search"]
    further = [f"{len(settings.wordings)} further wordings"] if settings.wordings else []
    return ["search", *further, *([f"margin {settings.margin:g}"] if settings.margin else [])]


def _data(module: Any) -> dict[str, Any]:
    if isinstance(module, Baseline):
        return module.provenance()
    gradients = getattr(module, "gradients", None)
    if gradients is None:
        return {role: {"pairs": 0, "skipped": {}, "digest": ""} for role in ("forget", "retain")}
    about: dict[str, Any] = json.loads(gradients.header["data"])
    manifests = {census.digest: curated_from(census) for census in module.data.census.values()}
    return {
        role: {
            "pairs": gradients.pairs[role],
            **about[role],
            "manifest": manifests.get(about[role]["digest"]),
        }
        for role in ("forget", "retain")
    }


def _run_of(path: Path | None) -> str | None:
    """Name of the run that gradients were taken from."""
    return None if path is None else path.parent.name


def _concept_run(path: Path | None) -> str | None:
    """Concept and run that retain gradients were taken from, e.g. ``three/20260101-120000``."""
    return None if path is None else f"{path.parent.parent.name}/{path.parent.name}"


def _seed(module: Any) -> int | None:
    if isinstance(module, Baseline):
        return module.seed
    gradients = getattr(module, "gradients", None)
    seed = gradients.header["seed"] if gradients is not None else ""
    return int(seed) if seed.isdigit() else None


def _file_entry(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    data = path.read_bytes()
    return {"file": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def host_labels(module: Any) -> dict[str, str]:
    """Words of the host metric for its figures."""
    metric: HostMetric | None = getattr(module, "host_metric", None)
    labels = {} if metric is None else metric.labels(module.data.concept)
    return {host_metric_name(name): label for name, label in labels.items()}


def _host_account(module: Any) -> dict[str, Any]:
    """Which host metric steered the search, and with what settings."""
    metric: HostMetric | None = getattr(module, "host_metric", None)
    if metric is None:
        return {}
    return {"metric": f"{type(metric).__module__}.{type(metric).__qualname__}", **metric.account()}


def _layer_counts(module: Any) -> dict[str, int]:
    if getattr(module, "gradients", None) is None:
        return {}
    scores = module.layer_scores()
    return {"candidates": len(scores), "front": sum(score.front for score in scores)}
