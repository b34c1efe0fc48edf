"""The figures of an audit, by name, for any theme."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from matplotlib.figure import Figure

from slug_lightning.reports.audit_file import CLIP, summarise_forget
from slug_lightning.reports.evidence import Similarity
from slug_lightning.reports.figures.attacks import attacks_figure
from slug_lightning.reports.figures.drift import drift_figure
from slug_lightning.reports.figures.relearning import curves_of, relearning_figure
from slug_lightning.reports.figures.similarity import similarity_figure
from slug_lightning.reports.figures.theme import Theme

_NAMES = ("audit_attacks", "audit_relearning", "audit_confusion", "audit_drift")
ON_HOST = "host_"  # before the names of figures of the host
AUDIT_FIGURES = (*_NAMES, *(ON_HOST + name for name in _NAMES[:3]))
Drawing = Callable[[Theme], Figure]
_CLIP_WORDS = ("images of the concept", "what images show", "what they are taken for")
_HOST_WORDS = ("final cases of the concept", "what was asked for", "what is recognised")


def audit_drawings(document: Mapping[str, Any]) -> dict[str, Drawing]:
    """What there are findings for: ``audit_attacks``, ``host_audit_attacks``, ``audit_relearning``, ...

    Args:
        document: A valid ``audit.json``.
    """
    drawings: dict[str, Drawing] = {}
    for host, part in document["hosts"].items():
        on_clip = host == CLIP
        found = _drawings(part["attacks"], document["concept"], _CLIP_WORDS if on_clip else _HOST_WORDS)
        drawings |= {name if on_clip else ON_HOST + name: drawing for name, drawing in found}
    return drawings


def _drawings(
    attacks: Mapping[str, Any], concept: str, words: tuple[str, str, str]
) -> Iterator[tuple[str, Drawing]]:
    """Figures of one host by name; ``words``: what shares are of, what rows and what columns are."""
    rows = summarise_forget(attacks)
    if rows:
        yield "audit_attacks", lambda theme: attacks_figure(rows, theme, words[0])
    curves = curves_of(attacks["relearning"]) if "relearning" in attacks else {}
    if curves:
        yield "audit_relearning", lambda theme: relearning_figure(curves, theme)
    if "neighbours" in attacks:
        matrix = attacks["neighbours"]["matrices"]["confusion"]
        before, after = (tuple(map(tuple, matrix[side])) for side in ("before", "after"))
        confusion = Similarity(tuple(matrix["names"]), before, after, words[1], words[2])
        yield (
            "audit_confusion",
            lambda theme: similarity_figure(confusion, concept, theme, "share of the row"),
        )
    if "drift" in attacks:
        yield "audit_drift", _drift(attacks["drift"])


def _drift(attack: Mapping[str, Any]) -> Drawing:
    histogram = attack["histograms"]["change of cosine"]
    low = next((f["value"] for f in attack["figures"] if f.get("x") == 0.05), None)
    return lambda theme: drift_figure(histogram, low, theme)
