"""Drift: how far the cosines of pairs that must stay have moved."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from slug_lightning.audit.checks import Check, Limits
from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.findings import Figure, Findings, Version

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
LOW = 0.05


@dataclass(frozen=True)
class DriftSettings:
    """How the distribution is described.

    Attributes:
        bins: Of the histogram.
        resamples: Of the bootstrap behind the intervals.
    """

    bins: int = 40
    resamples: int = 2000


def drift(host: ClipHost, settings: DriftSettings, seed: int) -> Findings:
    """Distribution of the change of ``cos(image, caption)`` on retain pairs, after minus before.

    Definition: the seeded retain pairs of the audit, captions as they are; quantiles of the change (``x`` is
    the quantile), their mean, and 95 % intervals by the percentile bootstrap over pairs.
    Source: the retained cosines that SLUG's retain loss protects (arXiv 2407.11867); bootstrap: Efron 1979,
    doi 10.1214/aos/1176344552.
    """
    before, after = (pair_cosines(host, version) for version in ("before", "after"))
    change = (after - before).double().numpy()
    rng = np.random.default_rng(seed)
    drawn = change[rng.integers(0, len(change), (settings.resamples, len(change)))]
    spread = np.quantile(drawn, QUANTILES, axis=1)
    figures = [
        Figure("drift/quantile", "after", f"{q:.0%}", float(v), len(change), _bounds(s, v), "bootstrap", q)
        for q, v, s in zip(QUANTILES, np.quantile(change, QUANTILES), spread, strict=True)
    ]
    means = drawn.mean(axis=1)
    mean = float(change.mean())
    figures.append(
        Figure("drift/mean", "after", "mean", mean, len(change), _bounds(means, mean), "bootstrap")
    )
    counts, edges = np.histogram(change, bins=settings.bins)
    histogram = {"edges": edges.tolist(), "after": counts.tolist()}
    return Findings(figures, histograms={"change of cosine": histogram})


def _bounds(values: NDArray[np.float64], value: float) -> tuple[float, float]:
    """Percentile interval; it holds the value itself, which the bootstrap of an extreme may miss."""
    low, high = np.quantile(values, (0.025, 0.975))
    return min(float(low), float(value)), max(float(high), float(value))


def pair_cosines(host: ClipHost, version: Version) -> Tensor:
    """Cosine of each retain pair ``(N,)``."""
    images, texts = pair_embeddings(host, version)
    return (images * texts).sum(dim=-1)


def pair_embeddings(host: ClipHost, version: Version) -> tuple[Tensor, Tensor]:
    """Unit embeddings of the images and captions of the retain pairs, each ``(N, D)``."""
    pairs = host.material.retain_pairs

    def pictures(model: nn.Module) -> Tensor:
        return host.embed_images(model, pairs.images)

    def captions(model: nn.Module) -> Tensor:
        return host.embed_texts(model, pairs.tokens)

    return host.remembered(version, "retain images", pictures), host.remembered(
        version, "retain captions", captions
    )


def judge_drift(findings: Findings, limits: Limits) -> list[Check]:
    """The fall at the low quantile, as a positive number."""
    (low,) = [figure for figure in findings.pick("drift/quantile") if figure.x == LOW]
    assert low.ci95 is not None
    bounds = -low.ci95[1], -low.ci95[0]
    what = f"fall of the cosine at the {LOW:.0%} quantile of the retain pairs"
    return [Check("cosine_drop", what, -low.value, limits.cosine_drop, bounds)]
