"""Retrieval: do images still find their captions, and captions their images, among pairs that must stay?"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from slug_lightning.audit.checks import Check, Limits, largest_gap
from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.drift import pair_embeddings
from slug_lightning.audit.findings import Figure, Findings
from slug_lightning.errors import SettingError


@dataclass(frozen=True)
class RetrievalSettings:
    """What counts as found.

    Attributes:
        k: Ranks: found among the first ``k``.
    """

    k: list[int] = field(default_factory=lambda: [1, 5, 10])

    def __post_init__(self) -> None:
        if not self.k or min(self.k) < 1:
            raise SettingError(f"Expected positive ranks in retrieval.k, but got {self.k}.")


def ranks(queries: Tensor, items: Tensor, owner: Tensor, wanted: Tensor) -> Tensor:
    """How many items of other owners score above the best item of the wanted one.

    Args:
        queries: Unit vectors ``(Q, D)``.
        items: Unit vectors ``(N, D)``.
        owner: What each item stands for ``(N,)``.
        wanted: What each query looks for ``(Q,)``; every one is the owner of some item.

    Returns:
        Integers ``(Q,)``; 0: found first. Ties count against the query.

    Example:
        >>> ranks(torch.eye(2), torch.eye(2), torch.tensor([0, 1]), torch.tensor([0, 0])).tolist()
        [0, 1]
    """
    scores = queries @ items.T
    own = owner[None, :] == wanted[:, None]
    best = scores.masked_fill(~own, -torch.inf).max(dim=1, keepdim=True).values
    return ((scores >= best) & ~own).sum(dim=1)


def retrieval(host: ClipHost, settings: RetrievalSettings) -> Findings:
    """Recall@k of the retain pairs in both directions.

    Definition: equal captions are one. ``image_to_text``: share of images whose caption is among the first
    ``k`` distinct captions. ``text_to_image``: share of distinct captions that have an image of theirs among
    the first ``k`` images. Ties count as misses.
    Source: recall@k of Karpathy and Fei-Fei 2015 (arXiv 1412.2306), zero-shot as in CLIP (arXiv 2103.00020).
    """
    tokens = host.material.retain_pairs.tokens
    _, owner = torch.unique(tokens, dim=0, return_inverse=True)
    first = torch.tensor([int((owner == i).nonzero()[0]) for i in range(int(owner.max()) + 1)])
    each = torch.arange(len(first))
    figures: list[Figure] = []
    for version in host.versions:
        images, texts = pair_embeddings(host, version)
        found = {
            "image_to_text": ranks(images, texts[first], each, owner),
            "text_to_image": ranks(texts[first], images, owner, each),
        }
        for direction, rank in found.items():
            figures += [
                Figure.share(
                    f"retrieval/{direction}", version, f"recall@{k}", int((rank < k).sum()), len(rank), k
                )
                for k in settings.k
            ]
    return Findings(figures)


def judge_retrieval(findings: Findings, limits: Limits) -> list[Check]:
    """The larger drop of the two directions at the smallest k."""
    least = min(f.x for f in findings.figures if f.x is not None)
    at_least = [f for f in findings.figures if f.x == least]
    after = {f.metric: f for f in at_least if f.version == "after"}
    pairs = [(f, after[f.metric]) for f in at_least if f.version == "before"]
    what = "largest drop, before minus after"
    return [largest_gap("retrieval_drop", pairs, limits.retrieval_drop, what, "no pairs")]
