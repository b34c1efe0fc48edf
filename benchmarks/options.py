"""Two ideas that were tried as methods for `slug compare`; their figures are in docs/comparison.md.

slug compare --config configs/compare_options.yaml
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from slug_lightning.functional import alignment, importance, without_component
from slug_lightning.models import Clip, candidate_layers
from slug_lightning.search import GridSettings, Setting, Trial
from slug_lightning.unlearning import SLUG, Baseline
from slug_lightning.unlearning.gradients import Role

STEPS = (0.05, 0.1, 0.2, 0.3, 0.5)


class RetainRemoved(SLUG):
    """SLUG along the forget gradient without its component along the retain gradient of the same layer."""

    method = "slug_retain_removed"

    def _content_key(self, *roles: Role) -> str:
        """Files of SLUG's own gradients have other directions."""
        key = super()._content_key(*roles)
        return hashlib.sha256(f"{key} {self.method}".encode()).hexdigest() if "forget" in roles else key

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """As SLUG; then the directions."""
        super().training_step(batch, batch_idx)
        found = self.gradients
        if found is not None and not found.directions:
            directions = {n: without_component(g, found.retain[n]) for n, g in found.forget.items()}
            self.gradients = replace(found, directions=directions)


class MultiLayer(Baseline):
    """Several layers at once, those of the highest score first (the idea of RAZOR, arXiv 2603.14819).

    The score of a layer is importance times (1 - alignment) to a power. Every number of layers is tried with
    every relative step: as large an update, relative to its weight, in each layer.

    Args:
        model: See `load_clip`.
        pretrained: See `load_clip`.
        include: Shell patterns of layers that may be edited.
        search: Criterion and target.
        layers: Most layers.
        steps: Relative steps.
        power: Of one minus the alignment.
        seed: Of the report.
    """

    method = "multi_layer"

    def __init__(
        self,
        model: str = "miniature",
        pretrained: str | None = None,
        include: Sequence[str] = ("*",),
        search: GridSettings = GridSettings(),
        layers: int = 5,
        steps: Sequence[float] = STEPS,
        power: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(model, pretrained, include, search, seed)
        self.layers, self.steps, self.power = layers, list(steps), power

    def load(self) -> Clip:
        """Only candidate layers of SLUG change."""
        fresh = self.clip is None
        clip = super().load()
        if fresh:
            names = candidate_layers(clip.model, "default", self.include)
            for name, weight in clip.model.named_parameters():
                weight.requires_grad_(name in names)
        return clip

    def grid(self) -> dict[str, list[float]]:
        """Numbers of layers and relative steps."""
        return {"layers": [float(n + 1) for n in range(self.layers)], "relative_step": self.steps}

    def trials(self) -> Iterator[Trial]:
        """The best layers, one more each time, at every step."""
        weights = {name: weight.detach() for name, weight in self.weights().items()}
        forget, retain = self.mean_gradient("forget"), self.mean_gradient("retain")
        scores = {
            name: importance(g, weights[name]) * (1 - alignment(g, retain[name])) ** self.power
            for name, g in forget.items()
            if g.norm() > 0
        }
        order = sorted(scores, key=lambda name: -scores[name])
        for count in range(1, self.layers + 1):
            for step in self.steps:
                edited = {n: _stepped(weights[n], forget[n], step) for n in order[:count]}
                yield self.put_on(Setting.of(layers=count, relative_step=step), edited, weights)


def _stepped(weight: torch.Tensor, gradient: torch.Tensor, relative: float) -> torch.Tensor:
    update: torch.Tensor = relative * weight.norm() / gradient.norm() * gradient
    return weight + update
