"""The figures of an audit, by name, for any theme."""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from slug_lightning.reports.audit_file import CLIP, summarise_forget
from slug_lightning.reports.evidence import Similarity
from slug_lightning.reports.figures.attacks import attacks_figure
from slug_lightning.reports.figures.drift import drift_figure
from slug_lightning.reports.figures.relearning import curves_of, relearning_figure
from slug_lightning.reports.figures.similarity import similarity_figure
from slug_lightning.reports.figures.theme import Theme

AUDIT_FIGURES = ("audit_attacks", "audit_relearning", "audit_confusion", "audit_drift")
Drawing = Callable[[Theme], Figure]


def audit_drawings(document: Mapping[str, Any]) -> dict[str, Drawing]:
    """What there are findings for: ``audit_attacks``, ``audit_relearning``, ``audit_confusion``, ...

    Args:
        document: A valid ``audit.json``.
    """
    attacks = document["hosts"].get(CLIP, {"attacks": {}})["attacks"]
    drawings: dict[str, Drawing] = {}
    rows = summarise_forget(attacks)
    if rows:
        drawings["audit_attacks"] = lambda theme: attacks_figure(rows, theme)
    curves = curves_of(attacks["relearning"]) if "relearning" in attacks else {}
    if curves:
        drawings["audit_relearning"] = lambda theme: relearning_figure(curves, theme)
    if "neighbours" in attacks:
        confusion = _confusion(attacks["neighbours"]["matrices"]["confusion"])
        concept = document["concept"]
        drawings["audit_confusion"] = lambda theme: similarity_figure(
            confusion, concept, theme, "share of the row"
        )
    if "drift" in attacks:
        drawings["audit_drift"] = _drift(attacks["drift"])
    return drawings


def _confusion(matrix: Mapping[str, Any]) -> Similarity:
    before, after = (tuple(map(tuple, matrix[side])) for side in ("before", "after"))
    return Similarity(tuple(matrix["names"]), before, after, "what images show", "what they are taken for")


def _drift(attack: Mapping[str, Any]) -> Drawing:
    histogram = attack["histograms"]["change of cosine"]
    low = next((f["value"] for f in attack["figures"] if f.get("x") == 0.05), None)
    return lambda theme: drift_figure(histogram, low, theme)
