"""What the audit section of ``report.html`` shows, as plain values for the template."""

from collections.abc import Mapping
from typing import Any

from slug_lightning.reports.audit_file import CLIP, VERSION_NAMES, VERSIONS, attacks_of
from slug_lightning.reports.audit_summary import WORDS

TITLES = {
    "standing": "No attack",
    "quantisation": "Quantisation",
    "relearning": "Training on",
    "wordings": "Other wordings",
    "arithmetic": "Concept arithmetic",
    "neighbours": "Neighbours",
    "membership": "Membership inference",
    "probe": "Probes on frozen features",
    "drift": "Drift of retained cosines",
    "retrieval": "Retrieval",
}
LABELS = {
    "forget": "Forget accuracy",
    "retained_drop": "Drop of what must stay",
    "gold_drop": "Is the gold standard as good elsewhere",
    "quantised_forget": "Forget accuracy, weights rounded",
    "reworded_forget": "Forget accuracy, other sentences",
    "renamed_gap": "Found by another name beyond meaningless ones",
    "elimination_gap": "Found by a meaningless name beyond a model that never saw it",
    "arithmetic_forget": "Forget accuracy, concept arithmetic",
    "relearned_gap": "Relearned sooner than if never seen",
    "neighbour_drop": "Drop of a neighbour",
    "membership": "Membership inference, accuracy",
    "probe_gap": "Decodable beyond a model that never saw it",
    "cosine_drop": "Fall of retained cosines",
    "retrieval_drop": "Drop of recall@1",
}
_SHARES = ("forget/", "retain/", "name/", "probe/", "membership/", "retrieval/", "update/changed")


def audit_view(document: Mapping[str, Any]) -> dict[str, Any]:
    """Checks and tables of a valid ``audit.json``, with the words of the page."""
    attacks = list(attacks_of(document))
    return {
        **{name: document[name] for name in ("gold", "seed", "created", "command")},
        "host_gold": document.get("host_gold"),
        "host": next((host for host in document["hosts"] if host != CLIP), None),
        "checks": [_check(host, check) for host, _, attack in attacks for check in attack["checks"]],
        "attacks": [_attack(host, name, attack) for host, name, attack in attacks],
        "seconds": sum(attack["seconds"] for _, _, attack in attacks),
    }


def _check(host: str, check: Mapping[str, Any]) -> dict[str, Any]:
    label = LABELS.get(check["name"], check["name"])
    label = label if host == CLIP else f"{label} ({host})"
    return {**check, "label": label, "verdict": WORDS[check["met"]]}


def _attack(host: str, name: str, attack: Mapping[str, Any]) -> dict[str, Any]:
    shown = [v for v in VERSIONS if any(figure["version"] == v for figure in attack["figures"])]
    return {
        "host": host,
        "title": TITLES.get(name, name),
        **{part: attack[part] for part in ("definition", "source", "notes")},
        "columns": [VERSION_NAMES[version] for version in shown],
        "rows": _rows(attack, shown),
    }


def _rows(attack: Mapping[str, Any], shown: list[str]) -> list[dict[str, Any]]:
    """The versions of each figure side by side; places on an axis are part of what it is under."""
    rows: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for figure in attack["figures"]:
        rows.setdefault((figure["metric"], _condition(figure)), {})[figure["version"]] = figure
    return [
        {
            "metric": metric,
            "condition": condition,
            "is_share": metric.startswith(_SHARES),
            "entries": [own.get(version) for version in shown],
            "n": next(iter(own.values()))["n"],
        }
        for (metric, condition), own in rows.items()
    ]


def _condition(figure: Mapping[str, Any]) -> str:
    condition: str = figure["condition"]
    if "x" not in figure:
        return condition
    if figure["metric"].startswith("name/"):
        return f"cosine to the concept {figure['x']:.2f}"
    return f"{condition}, {figure['x']:g} updates" if "pairs" in condition else condition
