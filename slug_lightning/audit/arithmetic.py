"""Concept arithmetic: is the concept's embedding still there, one step of arithmetic away?"""

from dataclasses import dataclass, field
from itertools import permutations

import torch.nn.functional as F
from torch import Tensor

from slug_lightning.audit.checks import Check, Limits, check_figure
from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.findings import Figure, Findings, Version, largest
from slug_lightning.data.prompts import fill, templates
from slug_lightning.errors import SettingError


@dataclass(frozen=True)
class ArithmeticSettings:
    """Between which sentences embeddings are carried over.

    Attributes:
        contexts: Sentences with ``{}``; every ordered two of them are one attack.
    """

    contexts: list[str] = field(default_factory=lambda: ["{}.", "a photo of a {}.", "a picture of a {}."])

    def __post_init__(self) -> None:
        templates(self.contexts)
        if len(set(self.contexts)) < 2:
            raise SettingError(f"Expected two or more arithmetic.contexts, but got {self.contexts}.")


def analogy(source: Tensor, target: Tensor, label: int) -> Tensor:
    r"""The concept's embedding in one sentence, computed from another.

    .. math:: q = a_c + \frac1{C-1} \sum_{j \ne c} (b_j - a_j)

    Args:
        source: Embeddings ``a`` of all names in the sentence that the concept is taken from, ``(C, D)``.
        target: Embeddings ``b`` of all names in the other sentence, same shape.
        label: Number ``c`` of the concept.

    Returns:
        Unit vector ``(D,)``.
    """
    shift = target - source
    others = (shift.sum(dim=0) - shift[label]) / max(1, len(shift) - 1)
    return F.normalize(source[label] + others, dim=0)


def arithmetic(host: ClipHost, settings: ArithmeticSettings) -> Findings:
    """Forget accuracy with an embedding of the concept that no prompt gives.

    Definition: for sentences ``a`` and ``b``, names are asked for in ``b``, but the concept's class embedding
    is ``a(concept) + mean over other names of (b(name) - a(name))``, normalised: "the concept, moved from
    sentence a to sentence b". An edit that only hides the concept in one sentence is undone by it.
    Source: analogies of Mikolov et al. 2013 (arXiv 1301.3781) for joint embeddings of images and text, as in
    Couairon et al. 2021 (arXiv 2112.03162).
    """
    figures: list[Figure] = []
    for version in host.versions:
        figures += _of_version(host, version, settings)
    return Findings(figures)


def _of_version(host: ClipHost, version: Version, settings: ArithmeticSettings) -> list[Figure]:
    found, model = host.material, host.models[version]
    images = host.pictures(version, "forget", found.forget)
    names = found.names[found.source]
    heads = {
        sentence: host.head(model, [fill([sentence], name) for name in names])
        for sentence in dict.fromkeys(settings.contexts)
    }
    figures = []
    for a, b in permutations(heads, 2):
        head = heads[b].clone()
        head[found.label] = analogy(heads[a], heads[b], found.label)
        hits, n = host.forget_hits(images, head)
        figures.append(Figure.share("forget/top1", version, f"from '{a}' to '{b}'", hits, n))
    return figures


def judge_arithmetic(findings: Findings, limits: Limits) -> list[Check]:
    """The highest forget accuracy of the patched model over all ordered pairs of sentences."""
    worst = largest(findings.pick("forget/top1", "after"))
    return [check_figure("arithmetic_forget", worst, limits.arithmetic_forget, "no sentences were tried")]
