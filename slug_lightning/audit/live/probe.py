"""Linear probe: is the concept still decodable from what the host reads of pictures?"""

import torch.nn.functional as F
from torch import Tensor

from slug_lightning.audit.findings import Figure, Findings, Version
from slug_lightning.audit.metric_host import MetricHost
from slug_lightning.audit.probe import ProbeSettings, fit_linear, prototypes
from slug_lightning.functional import true_class_rank
from slug_lightning.hosts.host_attacks import Probing


def probe(host: MetricHost, settings: ProbeSettings) -> Findings:
    """Share of the concept's final pictures that a classifier on the host's frozen features names rightly.

    Definition: features of a picture are what the host's language side is given of it, scaled to unit length.
    ``linear``: multinomial logistic regression over all names, on standardised features, fitted on search
    pictures, asked on final ones. ``prototypes``: the nearest unit mean of a name's search pictures.
    ``probe/others`` is the same on the other names.
    Source: Alain and Bengio 2016 (arXiv 1610.01644); prototypes: Snell et al. 2017 (arXiv 1703.05175).
    """
    figures: list[Figure] = []
    for version in host.versions:
        with host.at(version) as metric:
            found = metric.probing(host.concept)
        figures += _of_version(version, found, host.concept, settings)
    return Findings(figures)


def _of_version(version: Version, found: Probing, concept: str, settings: ProbeSettings) -> list[Figure]:
    features, final = (F.normalize(part.float(), dim=-1) for part in (found.features, found.final))
    centres = prototypes(features, found.labels, len(found.names))
    linear = fit_linear(features, found.labels, final, settings.strength) == found.final_labels
    nearest = true_class_rank(final @ centres.T, found.final_labels) == 0
    own = found.final_labels == list(found.names).index(concept)

    def share(metric: str, condition: str, right: Tensor) -> Figure:
        return Figure.share(metric, version, condition, int(right.sum()), len(right))

    return [
        share(metric, condition, right[rows])
        for metric, rows in (("probe/concept", own), ("probe/others", ~own))
        for condition, right in (("linear", linear), ("prototypes", nearest))
        if rows.any()
    ]
