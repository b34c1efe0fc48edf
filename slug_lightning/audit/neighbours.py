"""Neighbours: which of the other names were hurt most, and what the concept's images are taken for now."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from slug_lightning.audit.checks import Check, Limits, largest_gap
from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.findings import Figure, Findings, Version
from slug_lightning.functional import true_class_rank


@dataclass(frozen=True)
class NeighbourSettings:
    """How much is shown.

    Attributes:
        shown: Names in the confusion matrix: the concept and those nearest to it.
    """

    shown: int = 12


def confusion(scores: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Counts ``(C, C)``: rows are true names, columns predicted ones.

    Example:
        >>> confusion(torch.eye(2), torch.tensor([0, 0]), 2).tolist()
        [[1, 1], [0, 0]]
    """
    predicted = scores.argmax(dim=1)
    counts = torch.zeros(classes, classes, dtype=torch.long)
    counts.index_put_((labels, predicted), torch.ones_like(labels), accumulate=True)
    return counts


def neighbours(host: ClipHost, settings: NeighbourSettings) -> Findings:
    """Accuracy of every name, nearest to the concept first, and the confusion of the nearest.

    Definition: names are ordered by the cosine of their class embedding to the concept's in the original
    model (``x`` of each figure). ``name/<name>``: top-1 accuracy on the final images of that name among all
    names. Confusion: share of a row's images taken for each shown name; what is missing to 1 went to names
    that are not shown.
    Source: which neighbours an edit hurts, as in locality tests of model editing: Meng et al. 2022
    (arXiv 2202.05262), neighbourhood score.
    """
    found = host.material
    names = found.names[found.source]
    head = host.concept_head("before")
    closeness = head @ head[found.label]
    order = [i for i in closeness.argsort(descending=True).tolist() if i != found.label]
    figures: list[Figure] = []
    counts: dict[Version, Tensor] = {}
    for version in host.versions:
        counts[version], own = _of_version(host, version, order, closeness)
        figures += own
    shown = [found.label, *order[: settings.shown - 1]]
    rows: dict[str, Any] = {v: shares(c)[shown][:, shown].tolist() for v, c in counts.items()}
    return Findings(figures, matrices={"confusion": {"names": [names[i] for i in shown], **rows}})


def _of_version(
    host: ClipHost, version: Version, order: list[int], closeness: Tensor
) -> tuple[Tensor, list[Figure]]:
    found, head = host.material, host.concept_head(version)
    names = found.names[found.source]
    parts = [("forget", found.forget)]
    parts += [(found.source, found.retained[found.source])] if found.source in found.retained else []
    counts = torch.zeros(len(names), len(names), dtype=torch.long)
    hits = torch.zeros(len(names), dtype=torch.long)
    for name, pictures in parts:
        scores = host.pictures(version, name, pictures) @ head.T
        counts += confusion(scores, pictures.labels, len(names))
        right = (true_class_rank(scores, pictures.labels) == 0).long()
        hits.index_add_(0, pictures.labels, right)
    total = counts.sum(dim=1)
    figures = [
        Figure.share(
            f"name/{names[i]}", version, names[i], int(hits[i]), int(total[i]), round(float(closeness[i]), 4)
        )
        for i in [found.label, *order]
        if total[i] > 0
    ]
    return counts, figures


def shares(counts: Tensor) -> Tensor:
    """Counts ``(C, ...)`` as shares of their rows; zeros in a row without counts."""
    return counts.double() / counts.sum(dim=1, keepdim=True).clamp_min(1)


def judge_neighbours(findings: Findings, limits: Limits) -> list[Check]:
    """The largest drop of any name but the concept, which comes first."""
    before = [f for f in findings.figures if f.version == "before"][1:]
    after = {f.metric: f for f in findings.figures if f.version == "after"}
    pairs = [(figure, after[figure.metric]) for figure in before]
    what = "largest drop of another name, before minus after"
    return [largest_gap("neighbour_drop", pairs, limits.neighbour_drop, what, "no other names have images")]
