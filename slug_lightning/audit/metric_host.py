"""Any other host as one that can be audited: what its ``HostMetric`` measures, with and without the patch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from slug_lightning.audit.findings import Figure, Version
from slug_lightning.audit.host import Attack, unattacked
from slug_lightning.hosts import HostMetric, live_sites
from slug_lightning.hosts.host_metric import FORGET
from slug_lightning.patch import Patch
from slug_lightning.search.host_evaluator import host_metric_name

DECODERS = ("vae",)  # parts of pipelines that are kept in full precision where others are rounded


class MetricHost:
    """A live host, edited in place and put back.

    Args:
        metric: Loads the host and counts on it.
        patch: Of the run.
        concept: What was forgotten.

    Raises:
        HostError: If what the metric loads is no host.
    """

    def __init__(self, metric: HostMetric, patch: Patch, concept: str) -> None:
        self.metric, self.patch, self.concept = metric, patch, concept
        self.live: Any = metric.load()
        self.name: str = live_sites(self.live)[0].host
        self.versions: tuple[Version, ...] = ("before", "after")

    @property
    def account(self) -> Mapping[str, Any]:
        """See ``Host``: what the metric says of itself."""
        return {"metric": type(self.metric).__name__, **self.metric.account()}

    def figures(self, version: Version, condition: str, attack: Attack = unattacked) -> list[Figure]:
        """See ``Host``: the final figures of the metric, ``forget/host`` and ``retain/host_...``."""
        names = [FORGET, *self.metric.retained(self.concept)]
        with self._at(version), attack(matrices(self.live)):
            found = self.metric.measure(self.concept, names, "final")
        return [
            Figure.share(host_metric_name(name), version, condition, found[name].correct, found[name].n)
            for name in names
        ]

    def edit(self) -> None:
        """The layer may be split in the host; what rounding leaves of the update is told of the CLIP."""

    @contextmanager
    def _at(self, version: Version) -> Iterator[None]:
        if version == "before":
            yield
            return
        with self.patch.applied(self.live):
            yield


def matrices(live: Any) -> Mapping[str, Tensor]:
    """Weights of all linear and convolutional layers of a model, or of a pipeline but its image decoder.

    Args:
        live: Model of transformers or pipeline of diffusers.
    """
    components = {"": live} if isinstance(live, nn.Module) else live.components
    return {
        f"{part}.{name}.weight": module.weight
        for part, model in components.items()
        if isinstance(model, nn.Module) and part not in DECODERS
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
