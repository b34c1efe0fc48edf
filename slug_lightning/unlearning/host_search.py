"""The host that a search is steered by: found once, measured point by point on all processes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from slug_lightning.errors import HostError, SettingError
from slug_lightning.hosts import Example, HostMetric
from slug_lightning.hosts.host_metric import FORGET
from slug_lightning.models import Clip
from slug_lightning.patch import Patch, WholePatch
from slug_lightning.search import (
    HostEvaluator,
    LayerScore,
    Measured,
    Pass,
    SearchSettings,
    Trace,
    run_plan,
    search_plan,
)
from slug_lightning.search.trace import Point
from slug_lightning.unlearning.processes import Processes


class HostSearch:
    """A host metric with the host that it loads, on every process.

    Args:
        metric: Of ``model.host_metric``; it loads its host now.
        clip: The CLIP that directions are computed on.
        names: Its candidate layers.

    Attributes:
        layers: The candidates that the host reads.
        examples: What the host did in the last final pass, by point.

    Raises:
        HostError: If the host reads none of them.
        PatchMismatchError: If it is built on other weights.
    """

    def __init__(self, metric: HostMetric, clip: Clip, names: Iterable[str]) -> None:
        self.metric, self.evaluator = metric, HostEvaluator(metric)
        self.layers = self.evaluator.attach(clip.model, sorted(names), clip.name)
        self.examples: list[tuple[Example, ...]] = []

    def retained(self, concept: str) -> tuple[str, ...]:
        """Names of what must stay on the host."""
        return tuple(self.metric.retained(concept))

    def to(self, device: torch.device) -> None:
        """Move the host."""
        self.evaluator.host.to(device)

    def search(
        self,
        chosen: Sequence[LayerScore],
        settings: SearchSettings,
        directions: Mapping[str, Tensor],
        concept: str,
        processes: Processes,
    ) -> Trace:
        """The plan of any search, answered by the host."""
        self.evaluator.directions = directions
        plan = search_plan(chosen, settings, self.retained(concept))
        return run_plan(plan, lambda current: self.measure(current, concept, processes))

    def final(self, points: Sequence[Point | None], concept: str, processes: Processes) -> list[Measured]:
        """Final figures of points; ``None`` is the host as it is."""
        names = (FORGET, *self.retained(concept))
        return self.measure(Pass(tuple(points), names, "final"), concept, processes)

    def measure(self, current: Pass, concept: str, processes: Processes) -> list[Measured]:
        """Points are dealt to the processes by their number; every one has a host of its own."""
        size = processes.size
        mine = replace(current, points=current.points[processes.rank :: size])
        own = self.evaluator.measure(mine, concept)
        parts = processes.gather((own, self.evaluator.examples if current.split == "final" else []))
        if current.split == "final":
            self.examples = [parts[i % size][1][i // size] for i in range(len(current.points))]
        rank_zero_info(f"Measured {len(current.points)} points on the host: {', '.join(current.datasets)}.")
        return [parts[i % size][0][i // size] for i in range(len(current.points))]

    @contextmanager
    def patched(self, patches: Sequence[Patch | WholePatch]) -> Iterator[None]:
        """The host with these patches, which fit the CLIP that it is built on; then as it was.

        Raises:
            HostError: If the host would not notice: it does not read the layers, or they are too many.
        """
        updates: dict[str, Any] = {}
        for patch in patches:
            if isinstance(patch, WholePatch):
                raise _unmeasured("is of many layers")
            updates[patch.layer] = updates.get(patch.layer, 0) + patch.update.float()
        if unread := [name for name in updates if not self.evaluator.reads(name)]:
            raise _unmeasured(f"is of {unread[0]!r}, which the host does not read")
        with self.evaluator.edited(updates):
            yield


def check_host_settings(metric: HostMetric | None, search: SearchSettings, concept: str) -> None:
    """Refuse settings of a search that do not go with the host metric, or with none.

    Args:
        metric: Of ``model.host_metric``.
        search: Settings of the search.
        concept: What is to be forgotten.

    Raises:
        SettingError: If they do not.
        ConceptNotFoundError: If the metric does not know the concept.
    """
    if metric is not None:
        metric.retained(concept)
    if (search.criterion == "host") != (metric is not None):
        raise SettingError(
            "Expected search.criterion host with model.host_metric and only with it, but got "
            f"{search.criterion!r}. Leave the criterion out to have the right one."
        )
    if metric is not None and (search.wordings or search.margin):
        raise SettingError(
            "Expected search.wordings and search.margin without model.host_metric, since the host does "
            f"not answer to them, but got {list(search.wordings)} and {search.margin:g}. Leave them out."
        )


def _unmeasured(what: str) -> HostError:
    return HostError(
        f"Expected patches that the host of model.host_metric reads, but one {what}. Measure the CLIP alone "
        "with --model.host_metric null."
    )
