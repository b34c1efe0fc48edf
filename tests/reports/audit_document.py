"""An ``audit.json`` with made-up but coherent numbers."""

import json
from typing import Any

from slug_lightning.functional import wilson_interval
from slug_lightning.reports.audit_file import VERSIONS
from tests.reports.run_directory import DIGITS


def share(metric: str, version: str, condition: str, hits: int, n: int = 50, **more: float) -> dict[str, Any]:
    figure = {"metric": metric, "version": version, "condition": condition, "value": hits / n, "n": n}
    return {**figure, "ci95": list(wilson_interval(hits, n)), "interval": "Wilson", **more}


def attack(figures: list[dict[str, Any]], checks: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    texts = {"definition": "What is done.", "source": "Somebody (arXiv 0000.00000)."}
    cost = {"seconds": 1.5, "cpu_seconds": 1.0}
    parts = {"figures": figures, "matrices": {}, "histograms": {}, "notes": ["a <b>note</b>"]}
    return {**texts, **cost, **parts, "checks": checks or []}


def check(name: str, value: float | None, limit: float, met: bool | None) -> dict[str, Any]:
    bounds = None if value is None else [value - 0.1, value + 0.1]
    return {"name": name, "what": f"{name} here", "value": value, "ci95": bounds, "limit": limit, "met": met}


HOST = "StableDiffusionPipeline"


def on_host(attacks: dict[str, Any]) -> dict[str, Any]:
    """The attacks of a CLIP that a host has, too, with the names of its figures."""
    named = json.loads(json.dumps(attacks).replace("forget/top1", "forget/host"))
    return {name: entry for name, entry in named.items() if name != "drift"}


def make_audit(concept: str = "seven", gold: bool = True, host: bool = False) -> dict[str, Any]:
    versions = VERSIONS if gold else VERSIONS[:2]
    hits = {"before": 49, "after": 1, "gold": 2}
    plain = [share("forget/top1", v, "no attack", hits[v]) for v in versions]
    kinds = ["template: {}", "template: a {}.", "misspelling: svn"]
    asked = [(v, i, c) for v in versions[1:] for i, c in enumerate(kinds)]
    worded = [share("forget/top1", v, c, hits[v] + 3 * i) for v, i, c in asked]
    curves = [
        share("forget/top1", v, c, min(50, hits[v] + rise * step), x=step)
        for v in versions
        if v != "before"
        for c, rise in (("retain pairs alone", 1), ("4 forget pairs", 2))
        for step in (0, 1, 2, 5, 10, 20)
    ]
    probes = [share("probe/concept", v, "linear", hits[v]) for v in versions]
    low = {"metric": "drift/quantile", "version": "after", "condition": "5%", "value": -0.04, "n": 90}
    drift = attack([{**low, "ci95": [-0.05, -0.03], "interval": "bootstrap", "x": 0.05}])
    drift["histograms"] = {"change of cosine": {"edges": [-0.1, 0.0, 0.1], "after": [30, 60]}}
    names = [concept, *(name for name in DIGITS if name != concept)][:4]
    near = attack([share(f"name/{name}", v, name, 40, x=0.5) for name in names for v in versions])
    square = [[0.7 if i == j else 0.1 for j in range(4)] for i in range(4)]
    near["matrices"] = {"confusion": {"names": names, "before": square, "after": square}}
    attacks = {
        "standing": attack(plain, [check("forget", 0.02, 0.05, True)]),
        "relearning": attack(curves, [check("relearned_gap", None, 0.2, None)]),
        "wordings": attack(worded, [check("reworded_forget", 0.3, 0.1, False)]),
        "probe": attack(probes),
        "drift": drift,
        "neighbours": near,
    }
    digest = "0123456789abcdef" * 4
    hosts = {"clip": {"attacks": attacks}} | ({HOST: {"attacks": on_host(attacks)}} if host else {})
    return {
        "format_version": 1, "concept": concept, "base_model": "miniature", "layer": "text_projection",
        "tower": "text", "step": 2.5, "patch_sha256": digest,
        "gold": {"folder": "without-seven", "sha256": digest} if gold else None,
        "host_gold": {"folder": "pipeline-without-seven", "sha256": digest} if gold and host else None,
        "created": "2026-11-24T12:00:00+00:00", "command": "slug audit --run RUN", "package_version": "0.1.0",
        "seed": 0, "data": {}, "settings": {"limits": {}}, "hosts": hosts,
    }  # fmt: skip
