"""Linear probe: is the concept still decodable from frozen image features?"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from slug_lightning.audit.checks import GOLD, Check, Limits, largest_gap
from slug_lightning.audit.clip_host import ClipHost
from slug_lightning.audit.findings import Figure, Findings, Version
from slug_lightning.functional import true_class_rank


@dataclass(frozen=True)
class ProbeSettings:
    """The classifier that is fitted on features.

    Attributes:
        strength: Inverse of the regularisation, ``C`` of scikit-learn's logistic regression.
    """

    strength: float = 1.0


def prototypes(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Unit mean feature of each class ``(C, D)``; zeros for a class without images."""
    total = torch.zeros(classes, features.shape[1]).index_add_(0, labels, features)
    return F.normalize(total, dim=-1)


def fit_linear(features: Tensor, labels: Tensor, images: Tensor, strength: float) -> Tensor:
    """Labels ``(M,)`` that a logistic regression on standardised features gives to images ``(M, D)``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
    with warnings.catch_warnings():
        # Equal features (a model that maps all images to one point) are scaled by 1, which is right.
        warnings.filterwarnings("ignore", message=".*Numerical issues were encountered.*")
        probe.fit(features.double().numpy(), labels.numpy())
        return torch.from_numpy(np.asarray(probe.predict(images.double().numpy())))


def probe(host: ClipHost, settings: ProbeSettings) -> Findings:
    """Share of the concept's final images that a classifier on frozen image features names rightly.

    Definition: features are the unit image embeddings. ``linear``: multinomial logistic regression over all
    names that have search images, on standardised features, fitted on the search images, asked on the final
    ones. ``prototypes``: the nearest unit mean embedding of a name's search images. No text is used, so an
    edit of the text tower leaves both as they were: what a probe decodes was hidden from the prompt, not
    removed from the image. ``probe/others`` is the same on the other names.
    Source: Alain and Bengio 2016 (arXiv 1610.01644); prototypes: Snell et al. 2017 (arXiv 1703.05175).
    """
    figures: list[Figure] = []
    for version in host.versions:
        figures += _of_version(host, version, settings)
    return Findings(figures)


def _of_version(host: ClipHost, version: Version, settings: ProbeSettings) -> list[Figure]:
    found = host.material
    features = host.pictures(version, "probing", found.probing)
    labels = found.probing.labels
    asked = {"probe/concept": ("forget", found.forget)}
    if found.source in found.retained:
        asked["probe/others"] = (found.source, found.retained[found.source])
    centres = prototypes(features, labels, len(found.names[found.source]))
    figures = []
    for metric, (name, pictures) in asked.items():
        images = host.pictures(version, name, pictures)
        linear = int((fit_linear(features, labels, images, settings.strength) == pictures.labels).sum())
        nearest = int((true_class_rank(images @ centres.T, pictures.labels) == 0).sum())
        figures.append(Figure.share(metric, version, "linear", linear, len(pictures)))
        figures.append(Figure.share(metric, version, "prototypes", nearest, len(pictures)))
    return figures


def judge_probe(findings: Findings, limits: Limits, needs: str = GOLD) -> list[Check]:
    """The larger difference to the gold standard of the two classifiers; none without a gold standard."""
    gold = {f.condition: f for f in findings.pick("probe/concept", "gold")}
    pairs = [(f, gold[f.condition]) for f in findings.pick("probe/concept", "after") if f.condition in gold]
    what = "after minus gold"
    return [largest_gap("probe_gap", pairs, limits.probe_gap, what, needs)]
