"""Mean image embedding per class, for similarity matrices."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric


class MeanEmbedding(Metric):
    """Unit mean embedding of each class, per trial; exact over any batches and processes up to rounding.

    Args:
        classes: Number of classes.
        dim: Length of an embedding.
        trials: Number of models measured side by side.
        kwargs: Passed to ``torchmetrics.Metric``.

    Example:
        >>> metric = MeanEmbedding(classes=2, dim=2)
        >>> metric.update(torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
        >>> metric.compute()[0].tolist()
        [[0.0, 0.0], [0.0, 1.0]]
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    total: Tensor

    def __init__(self, classes: int, dim: int, trials: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.zeros(trials, classes, dim), dist_reduce_fx="sum")

    def update(self, embeddings: Tensor, labels: Tensor, trial: int = 0) -> None:
        """Add unit embeddings ``(B, D)`` of images with class indices ``(B,)``."""
        self.total[trial].index_add_(0, labels, embeddings.to(self.total.dtype))

    def compute(self) -> Tensor:
        """Unit vectors ``(trials, classes, D)``; zeros for a class without images."""
        return F.normalize(self.total, dim=-1)
