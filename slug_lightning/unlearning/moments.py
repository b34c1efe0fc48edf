"""Second moments of the retain gradients of batches: how much rows and columns of a layer are needed."""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from slug_lightning.functional import retain_aware

DirectionName = Literal["gradient", "retain_aware"]

# What headers of gradients and patches say of it.
DIRECTIONS: dict[DirectionName, str] = {
    "gradient": "theta + update raises the loss",
    "retain_aware": (
        "theta + update raises the loss; its gradient is multiplied by the inverse square roots of the damped"
        " row and column moments of the retain gradients of batches"
    ),
}


class Moments:
    """``sum_b g_b g_b^T`` and ``sum_b g_b^T g_b`` per layer, float32, on the gradients' device.

    They take ``rows^2 + columns^2`` numbers a layer: a few times the weight. A batch is weighed by its pairs.
    """

    def __init__(self) -> None:
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}

    def add(self, name: str, gradient: Tensor, pairs: int) -> None:
        """Add a batch.

        Args:
            name: The layer.
            gradient: Gradient of the loss summed over the batch.
            pairs: Pairs in the batch.
        """
        g = gradient.detach().float().flatten(1)
        if name not in self.sums:
            self.sums[name] = g.new_zeros(len(g), len(g)), g.new_zeros(g.shape[1], g.shape[1])
        rows, columns = self.sums[name]
        rows.addmm_(g, g.T, alpha=1 / pairs)
        columns.addmm_(g.T, g, alpha=1 / pairs)

    def reduce_(self, weights: Mapping[str, Tensor], all_sum: Callable[[Tensor], Tensor]) -> None:
        """Sum over processes, in float64, matrix by matrix; a process may have seen no batch.

        Args:
            weights: The layers, in the same order on every process.
            all_sum: Collective that sums a tensor over processes.
        """
        for name, weight in weights.items():
            if name not in self.sums:
                self.add(name, torch.zeros_like(weight), 1)
            for total in self.sums[name]:
                total.copy_(all_sum(total.double()))

    def directions(self, gradients: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The retain-aware direction of each layer; see ``retain_aware``."""
        found = dict(gradients)
        for name, (rows, columns) in self.sums.items():
            g = gradients[name]
            found[name] = retain_aware(g, rows.to(g.device), columns.to(g.device))
        return found
