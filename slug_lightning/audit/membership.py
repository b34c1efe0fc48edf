"""Membership inference: can one still tell that the forget pairs were trained on?"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from slug_lightning.audit.checks import Check, Limits, check_figure
from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.findings import Figure, Findings, Version, largest
from slug_lightning.metrics import membership_inference, pair_features

FEATURES = ("cosine", "loss")


@dataclass(frozen=True)
class MembershipSettings:
    """Cross-validation of the attack.

    Attributes:
        folds: Parts of the cross-validation.
        repeats: How often pairs are drawn and split anew.
    """

    folds: int = 10
    repeats: int = 10


def membership(host: ClipHost, settings: MembershipSettings, seed: int) -> Findings:
    """Accuracy of telling images of the forget pairs from images of the concept that were never trained on.

    Definition: every image is paired with the concept's usual prompt, so that captions tell nothing. Members
    are images of the forget pairs; the others are search and final images of the concept. Features: cosine of
    the pair, and the loss of the prompt among the captions of retain pairs, one at a time. See
    ``metrics.membership``: balanced, stratified folds, mean accuracy over the repeats, 0.5 is ideal.
    Images of the search helped to choose the step, but no gradient saw them.
    Source: design of SalUn's evaluation (Fan et al. 2024, arXiv 2310.12508) after Yeom et al. 2018
    (arXiv 1709.01604).
    """
    figures: list[Figure] = []
    for version in host.versions:
        features = _features(host, version)
        for column, name in enumerate(FEATURES):
            members, others = (part[:, column : column + 1] for part in features)
            figures.append(inferred(version, name, members, others, settings, seed))
    return Findings(figures)


def inferred(
    version: Version, feature: str, members: Tensor, others: Tensor, settings: MembershipSettings, seed: int
) -> Figure:
    """Accuracy on one feature with its interval; see ``metrics.membership``.

    Args:
        version: Whose features they are.
        feature: What they are called.
        members: Features ``(N, F)`` of what was trained on.
        others: Features ``(M, F)`` of what was not.
        settings: Folds and repeats.
        seed: Of drawing and splitting.
    """
    got = membership_inference(members, others, settings.folds, settings.repeats, seed)
    kind = f"Wilson of one repeat; mean of {got.repeats}, deviation {got.deviation:.3f}"
    low, high = got.ci95
    bounds = min(low, got.accuracy), max(high, got.accuracy)
    return Figure("membership/accuracy", version, feature, got.accuracy, got.pairs, bounds, kind)


def _features(host: ClipHost, version: Version) -> tuple[Tensor, Tensor]:
    found = host.material
    prompt = host.concept_head(version)[found.label]

    def captions(model: nn.Module) -> Tensor:
        return host.embed_texts(model, found.retain_pairs.tokens)

    def forget_images(model: nn.Module) -> Tensor:
        return host.embed_images(model, found.forget_pairs.images)

    others = host.remembered(version, "retain captions", captions)
    members = host.remembered(version, "forget pairs", forget_images)
    unseen = host.pictures(version, "unseen", found.unseen)
    temperature: Any = host.models[version].logit_scale
    scale = temperature.detach().exp().cpu()
    known, new = (
        pair_features(images, prompt.expand_as(images), others, scale) for images in (members, unseen)
    )
    return known, new


def judge_membership(findings: Findings, limits: Limits) -> list[Check]:
    """The higher accuracy of the two features on the patched model."""
    worst = largest(findings.pick("membership/accuracy", "after"))
    return [check_figure("membership", worst, limits.membership, "membership was not inferred")]
