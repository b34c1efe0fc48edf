"""Neighbours: which of the other names does the host do less often, and what it does instead."""

from typing import Any

import torch
from torch import Tensor

from slug_lightning.audit.findings import Figure, Findings, Version
from slug_lightning.audit.metric_host import MetricHost
from slug_lightning.audit.neighbours import NeighbourSettings, shares


def neighbours(host: MetricHost, settings: NeighbourSettings) -> Findings:
    """Share of final cases of every name that are done right, and what is done instead.

    Definition: ``name/<name>``: share of the name's final cases in which it, and no other name, is
    recognised. The concept comes first, then the others, the most hurt first. Confusion: share of a row's
    cases in which each shown name is recognised; what is missing to 1 went to none of them.
    Source: which neighbours an edit hurts, as in locality tests of model editing: Meng et al. 2022
    (arXiv 2202.05262), neighbourhood score.
    """
    counts: dict[Version, Tensor] = {}
    for version in host.versions:
        with host.at(version) as metric:
            found = metric.confusion(host.concept)
        counts[version] = found.counts
    names = list(found.names)
    own, order = names.index(host.concept), _most_hurt(counts)
    order = [own, *(i for i in order if i != own)]
    figures = [
        Figure.share(f"name/{names[i]}", version, names[i], int(table[i, i]), int(table[i].sum()))
        for version, table in counts.items()
        for i in order
        if table[i].sum() > 0
    ]
    shown = order[: settings.shown]
    rows: dict[str, Any] = {
        version: shares(table)[shown][:, shown].tolist() for version, table in counts.items()
    }
    return Findings(figures, matrices={"confusion": {"names": [names[i] for i in shown], **rows}})


def _most_hurt(counts: dict[Version, Tensor]) -> list[int]:
    """Names by how much their share has fallen; equal ones in the host's order."""
    before, after = (shares(counts[version])[:, :-1].diagonal() for version in ("before", "after"))
    return torch.argsort(before - after, descending=True, stable=True).tolist()
