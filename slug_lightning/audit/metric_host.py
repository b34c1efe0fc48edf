"""Any other host as one that can be audited: what its ``HostMetric`` measures, with and without the patch."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from slug_lightning.audit.findings import Figure, Version
from slug_lightning.audit.host import Attack, unattacked
from slug_lightning.audit.opening import folder_digest
from slug_lightning.errors import HostError, SettingError
from slug_lightning.hosts import HostMetric, live_sites
from slug_lightning.hosts.host_attacks import HostAttacks, abilities
from slug_lightning.hosts.host_metric import FORGET
from slug_lightning.patch import Patch
from slug_lightning.search.host_evaluator import host_metric_name

DECODERS = ("vae",)  # parts of pipelines that are kept in full precision where others are rounded


class MetricHost:
    """A live host, edited in place and put back, and maybe another one that never saw the concept.

    Args:
        metric: Loads the host and counts on it.
        patch: Of the run.
        concept: What was forgotten.
        gold: Where the other host is.

    Raises:
        HostError: If what the metric loads is no host, or the gold standard is of another shape.
        SettingError: If there is a gold standard, but the metric cannot read one.
        ModelNotFoundError: If it is not there.
    """

    def __init__(self, metric: HostMetric, patch: Patch, concept: str, gold: Path | None = None) -> None:
        self.metric, self.patch, self.concept = metric, patch, concept
        self.abilities = abilities(metric)
        self.gold = None if gold is None else {"folder": gold.name, "sha256": folder_digest(gold)}
        self.metrics: dict[Version, Any] = {"before": metric, "after": metric}
        self.live: Any = metric.load()
        self.lives: dict[Version, Any] = {"before": self.live, "after": self.live}
        self.name: str = live_sites(self.live)[0].host
        if gold is not None:
            self.metrics["gold"] = _golden(metric, gold)
            self.lives["gold"] = self.metrics["gold"].load()
            _check_shapes(self.live, self.lives["gold"], gold)

    @property
    def versions(self) -> tuple[Version, ...]:
        """See ``Host``."""
        return tuple(self.metrics)

    @property
    def account(self) -> Mapping[str, Any]:
        """See ``Host``: what the metric says of itself, and which gold standard it is compared with."""
        gold = {} if self.gold is None else {"gold": self.gold["sha256"]}
        return {"metric": type(self.metric).__name__, **self.metric.account(), **gold}

    def figures(self, version: Version, condition: str, attack: Attack = unattacked) -> list[Figure]:
        """See ``Host``: the final figures of the metric, ``forget/host`` and ``retain/host_...``."""
        with self.at(version), attack(matrices(self.lives[version])):
            return self.measured(version, condition, [FORGET, *self.metric.retained(self.concept)])

    def measured(
        self, version: Version, condition: str, names: Sequence[str], x: float | None = None
    ) -> list[Figure]:
        """Final figures of a version's host as it is at the moment; for use inside ``at``.

        Args:
            version: What the figures are called, and whose host is asked.
            condition: See ``Figure``.
            names: Of the metric: ``forget``, and others that it retains.
            x: See ``Figure``.
        """
        found = self.metrics[version].measure(self.concept, names, "final")
        return [
            Figure.share(host_metric_name(name), version, condition, found[name].correct, found[name].n, x)
            for name in names
        ]

    def edit(self) -> None:
        """The layer may be split in the host; what rounding leaves of the update is told of the CLIP."""

    @contextmanager
    def at(self, version: Version) -> Iterator[HostAttacks]:
        """The metric of a version; inside the block its host is that version."""
        if version != "after":
            yield self.metrics[version]
            return
        with self.patch.applied(self.live):
            yield self.metrics[version]


def _golden(metric: HostMetric, folder: Path) -> HostAttacks:
    if not isinstance(metric, HostAttacks) or "gold" not in abilities(metric):
        raise SettingError(
            f"Expected a host metric that reads a gold standard with --host_gold, but "
            f"{type(metric).__name__} has no method 'gold'. Leave --host_gold out, or override that method "
            "of HostAttacks (docs/hosts.md)."
        )
    return metric.gold(folder)


def _check_shapes(live: Any, gold: Any, folder: Path) -> None:
    mine, theirs = (
        {name: tuple(weight.shape) for name, weight in matrices(one).items()} for one in (live, gold)
    )
    if mine != theirs:
        name = next(name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name))
        raise HostError(
            f"Expected a gold standard of the host's own architecture in {str(folder)!r}, but its layer "
            f"{name!r} has shape {theirs.get(name)}, not {mine.get(name)}. Train one of its configuration."
        )


def models_in(live: Any) -> Mapping[str, nn.Module]:
    """The networks of a host by name: a model itself as ``""``; of a pipeline all but its image decoder.

    Args:
        live: Model of transformers or pipeline of diffusers.
    """
    components = {"": live} if isinstance(live, nn.Module) else live.components
    return {
        part: model
        for part, model in components.items()
        if isinstance(model, nn.Module) and part not in DECODERS
    }


def matrices(live: Any) -> Mapping[str, Tensor]:
    """Weights of all linear and convolutional layers of a model, or of a pipeline but its image decoder.

    Args:
        live: Model of transformers or pipeline of diffusers.
    """
    return {
        f"{part}.{name}.weight": module.weight
        for part, model in models_in(live).items()
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
