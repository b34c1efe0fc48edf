"""Relearning: how fast does the concept come back when the model is trained on?"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor

from slug_lightning.audit.checks import GOLD, Check, Limits, largest_gap
from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.findings import Figure, Findings, Version
from slug_lightning.audit.material import Pairs
from slug_lightning.errors import BadDataError, SettingError

UNRELATED = 0  # as a number of forget pairs: retain pairs alone


@dataclass(frozen=True)
class RelearningSettings:
    """What the attacker has and does.

    Attributes:
        pairs: Numbers of forget pairs; 0: unrelated retain pairs alone.
        steps: Numbers of updates at which the model is asked.
        batch_size: Pairs a batch; at most half of them are forget pairs.
        learning_rate: Of AdamW, without weight decay, on all weights but the temperature.
    """

    pairs: list[int] = field(default_factory=lambda: [UNRELATED, 4, 32])
    steps: list[int] = field(default_factory=lambda: [0, 1, 2, 5, 10, 20, 50])
    batch_size: int = 64
    learning_rate: float = 1e-4

    def __post_init__(self) -> None:
        if min(self.pairs, default=-1) < 0 or min(self.steps, default=-1) < 0:
            raise SettingError(
                "Expected numbers of at least 0 in relearning.pairs and relearning.steps, but got "
                f"{self.pairs} and {self.steps}."
            )
        if self.batch_size < 2 or self.learning_rate <= 0:
            raise SettingError(
                "Expected relearning.batch_size >= 2 and learning_rate > 0, but got "
                f"{self.batch_size} and {self.learning_rate}."
            )


def batches(forget: Pairs, retain: Pairs, pairs: int, size: int, seed: int) -> Iterator[Pairs]:
    """Endless batches, the same for every version: some of the first forget pairs, then retain pairs.

    Args:
        forget: Of which the attacker has the first ``pairs``.
        retain: Unrelated pairs.
        pairs: Number of forget pairs; 0 for none.
        size: Pairs a batch; at most half are forget pairs, and there are at least as many others.
        seed: Of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    own = min(pairs, size // 2)
    while True:
        some = torch.randperm(max(1, pairs), generator=generator)[:own]
        others = torch.randperm(len(retain), generator=generator)[: size - own]
        yield Pairs(
            torch.cat([forget.images[some], retain.images[others]]),
            torch.cat([forget.tokens[some], retain.tokens[others]]),
        )


def updates(
    weights: Sequence[Tensor], losses: Iterator[Tensor], settings: RelearningSettings
) -> Iterator[int]:
    """Train weights in place, and stop at each number of updates at which the model is asked.

    Args:
        weights: All that are trained.
        losses: Endless, each computed when it is drawn, on the weights of then.
        settings: Numbers of updates and learning rate.

    Returns:
        Updates so far, in rising order.
    """
    for weight in weights:
        weight.requires_grad_(True)
    optimiser = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=0.0)
    for step in range(max(settings.steps) + 1):
        if step in settings.steps:
            yield step
        if step < max(settings.steps):
            optimiser.zero_grad()
            next(losses).backward()  # type: ignore[no-untyped-call]
            optimiser.step()


def relearning(host: ClipHost, settings: RelearningSettings, seed: int) -> Findings:
    """Forget accuracy against the number of updates, of the patched model and of the gold standard.

    Definition: AdamW on all weights but the temperature, without weight decay, with the loss that the model
    was trained with, on batches of up to half forget pairs (of the first k) and for the rest retain pairs
    that do not name the concept; k = 0: retain pairs alone. Both versions see the same batches in the same
    order. ``x`` is the number of updates. ``retain/..._top1`` is asked after the last one.
    Source: relearning attacks of Hu et al. 2024 (arXiv 2406.13356) and, on unrelated data, of Łucki et al.
    2024 (arXiv 2409.18025); against a model that never saw the data as in Golatkar et al. 2020
    (arXiv 1911.04933), relearn time.
    """
    have = len(host.material.forget_pairs)
    most = max(settings.pairs)
    if most > have:
        raise BadDataError(
            f"Expected {most} forget pairs for relearning, but there are {have}. Lower "
            "settings.relearning.pairs or raise settings.material.forget_pairs."
        )
    versions: list[Version] = [version for version in host.versions if version != "before"]
    figures: list[Figure] = []
    for pairs in settings.pairs:
        for version in versions:
            figures += _curve(host, version, pairs, settings, seed)
    return Findings(figures)


def describe(pairs: int) -> str:
    """What a number of forget pairs is called in reports.

    Example:
        >>> describe(0), describe(4)
        ('retain pairs alone', '4 forget pairs')
    """
    return "retain pairs alone" if pairs == UNRELATED else f"{pairs} forget pairs"


def _curve(
    host: ClipHost, version: Version, pairs: int, settings: RelearningSettings, seed: int
) -> list[Figure]:
    model = deepcopy(host.models[version])
    for weight in model.parameters():
        weight.requires_grad_(False)
    weights = [w for name, w in model.named_parameters() if not name.startswith("logit_")]
    found, label = host.material, describe(pairs)
    stream = batches(found.forget_pairs, found.retain_pairs, pairs, settings.batch_size, seed)
    figures: list[Figure] = []
    for step in updates(weights, (host.loss(model, batch) for batch in stream), settings):
        head = host.head(model, found.prompts[found.source])
        hits, n = host.forget_hits(host.embed_images(model, found.forget.images), head)
        figures.append(Figure.share("forget/top1", version, label, hits, n, step))
    if found.source in found.retained:
        others = found.retained[found.source]
        right = (host.embed_images(model, others.images) @ head.T).argmax(dim=1) == others.labels
        name = f"retain/{found.source}_top1"
        figures.append(Figure.share(name, version, label, int(right.sum()), len(others), step))
    return figures


def judge_relearning(findings: Findings, limits: Limits, needs: str = GOLD) -> list[Check]:
    """The largest difference to the gold standard at the same number of updates on the same data."""
    gold = {(f.condition, f.x): f for f in findings.forget("gold")}
    pairs = [
        (f, gold[f.condition, f.x]) for f in findings.forget("after") if f.x and (f.condition, f.x) in gold
    ]
    what = "after minus gold, largest over the updates"
    return [largest_gap("relearned_gap", pairs, limits.relearned_gap, what, needs)]
