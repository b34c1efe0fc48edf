"""Mean per-class recall: each class counts the same, however many images it has."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from slug_lightning.functional import true_class_rank


class MeanClassRecall(Metric):
    """Mean over classes of the share of their images that are recognised, in ``[0, 1]``; higher is better.

    Classes without images do not count. scikit-learn calls it balanced accuracy; CLIP_benchmark reports it as
    ``mean_per_class_recall``.

    Args:
        classes: Number of classes.
        trials: Number of models measured side by side.
        kwargs: Passed to ``torchmetrics.Metric``.

    Example:
        >>> metric = MeanClassRecall(classes=3)
        >>> metric.update(torch.eye(3)[[0, 0, 0, 1]], torch.tensor([0, 0, 0, 2]))
        >>> metric.compute()
        tensor(0.5000, dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    hits: Tensor
    total: Tensor

    def __init__(self, classes: int, trials: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        zeros = torch.zeros(trials, classes, dtype=torch.long)
        self.add_state("hits", zeros.clone(), dist_reduce_fx="sum")
        self.add_state("total", zeros.clone(), dist_reduce_fx="sum")

    def update(self, logits: Tensor, labels: Tensor, trial: int = 0) -> None:
        """Count one batch.

        Args:
            logits: Scores ``(B, C)``; only their order matters.
            labels: True class indices ``(B,)``.
            trial: Which version of the model gave the scores.
        """
        hits = true_class_rank(logits, labels) == 0
        self.total[trial].index_add_(0, labels, torch.ones_like(labels))
        self.hits[trial].index_add_(0, labels, hits.to(labels.dtype))

    def compute(self) -> Tensor:
        """Mean recall of each trial ``(trials,)``, a scalar if there is one; NaN without images."""
        return torch.tensor([self.mean_recall(t) for t in range(len(self.total))], dtype=torch.float64)

    def mean_recall(self, trial: int = 0) -> float:
        """That of this process; call inside ``sync_context`` for the images of all processes."""
        hits, total = self.hits[trial].cpu(), self.total[trial].cpu()  # not every device has doubles
        return float((hits[total > 0].double() / total[total > 0]).mean())
