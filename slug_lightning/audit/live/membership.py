"""Membership inference: can one still tell what the host was trained on of the concept?"""

from slug_lightning.audit.findings import Findings
from slug_lightning.audit.membership import MembershipSettings, inferred
from slug_lightning.audit.metric_host import MetricHost


def membership(host: MetricHost, settings: MembershipSettings, seed: int) -> Findings:
    """Accuracy of telling examples of the concept that the host was trained on from unseen ones.

    Definition: the feature is the loss that the host was trained with, of single examples, with the same
    draws for all versions. Members are examples of the concept in its training data; the others are of the
    same kind and were never trained on. See ``metrics.membership``: balanced, stratified folds, mean
    accuracy over the repeats, 0.5 is ideal. The gold standard was trained on neither.
    Source: design of SalUn's evaluation (Fan et al. 2024, arXiv 2310.12508) after Yeom et al. 2018
    (arXiv 1709.01604); the loss of a denoiser: Matsumoto et al. 2023 (arXiv 2302.03262).
    """
    figures = []
    for version in host.versions:
        with host.at(version) as metric:
            members, others = (metric.example_losses(host.concept, seen) for seen in (True, False))
        figures.append(inferred(version, "loss", members[:, None], others[:, None], settings, seed))
    return Findings(figures)
