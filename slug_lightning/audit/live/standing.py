"""No attack: the host's figures of each version as it is."""

from slug_lightning.audit import standing as on_any
from slug_lightning.audit.findings import Findings
from slug_lightning.audit.metric_host import MetricHost


def standing(host: MetricHost) -> Findings:
    """What the original, the patched and the gold-standard host do, which every attack is read against.

    Definition: final figures of the run's host metric, on cases that the search did not see: ``forget/host``,
    how often the host does the concept, and ``retain/host_...``, how often it does each part of the rest
    right. All versions are asked the same with the same seeds.
    Source: search and figures on the host as in SLUG's use on Stable Diffusion and LLaVA (Cai, Tan, Asif
    2025, arXiv 2407.11867).
    """
    return on_any.standing(host)
