"""Relearning: how fast does the host do the concept again when it is trained on?"""

from dataclasses import replace

from torch import Tensor

from slug_lightning.audit.findings import Figure, Findings, Version
from slug_lightning.audit.metric_host import MetricHost, models_in
from slug_lightning.audit.relearning import RelearningSettings, describe, updates
from slug_lightning.audit.restoring import restored
from slug_lightning.errors import SettingError
from slug_lightning.hosts.host_metric import FORGET


def relearning(host: MetricHost, settings: RelearningSettings, seed: int) -> Findings:
    """What the host does of the concept against the number of updates, patched and gold standard.

    Definition: AdamW without weight decay on all weights of the host but its image decoder's, in evaluation
    mode, with the loss that the host was trained with, on batches of up to half examples of the concept (of
    the first k, called forget pairs) and for the rest others (retain pairs); k = 0: retain pairs alone. Both
    versions see the same batches in the same order. ``x`` is the number of updates. ``forget/host`` is
    measured on the final cases at each, ``retain/host_...`` after the last one; then every weight is put
    back.
    Source: relearning attacks of Hu et al. 2024 (arXiv 2406.13356) and, on unrelated data, of Łucki et al.
    2024 (arXiv 2409.18025); on image generators after Zhang et al. 2023 (arXiv 2310.11868).
    """
    figures: list[Figure] = []
    start: dict[Version, Figure] = {}
    for pairs in settings.pairs:
        for version in host.versions:
            if version != "before":
                figures += _curve(host, version, pairs, settings, seed, start)
    return Findings(figures)


def _curve(
    host: MetricHost,
    version: Version,
    pairs: int,
    settings: RelearningSettings,
    seed: int,
    start: dict[Version, Figure],
) -> list[Figure]:
    """Figures of one version on one number of examples; ``start`` keeps what no update has changed."""
    label, last, figures = describe(pairs), max(settings.steps), []
    with host.at(version) as metric, restored(weights := trained(host.lives[version])):
        losses = metric.lessons(host.concept, pairs, settings.batch_size, seed)
        for step in updates(weights, losses, settings):
            names = [FORGET, *(metric.retained(host.concept) if step == last else ())]
            if step == 0 and names == [FORGET] and version in start:
                found = [replace(start[version], condition=label)]
            else:
                found = host.measured(version, label, names, step)
            if step == 0:
                start[version] = found[0]
            figures += found
    return figures


def trained(live: object) -> list[Tensor]:
    """Every weight that relearning changes, once.

    Args:
        live: Model of transformers or pipeline of diffusers.

    Raises:
        SettingError: If one is not in float32: small updates would be rounded away, and nothing relearned.
    """
    found = {id(w): w for model in models_in(live).values() for w in model.parameters()}
    for weight in found.values():
        if weight.dtype.itemsize != 4:
            raise SettingError(
                f"Expected a host in float32 for the attack relearning, but got weights in {weight.dtype}: "
                "updates would be rounded away. Load it in float32, or leave the attack out with --attacks."
            )
    return list(found.values())
