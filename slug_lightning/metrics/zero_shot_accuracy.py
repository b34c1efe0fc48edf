"""Zero-shot accuracy as counts: exact over any batches and any number of processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from slug_lightning.errors import SettingError
from slug_lightning.functional import true_class_rank, wilson_interval


@dataclass(frozen=True)
class Accuracy:
    """A share of hits with what it rests on.

    Example:
        >>> Accuracy(correct=9, n=10).value
        0.9
    """

    correct: int
    n: int

    @property
    def value(self) -> float:
        """Share of hits in ``[0, 1]``; NaN without images."""
        return self.correct / self.n if self.n else float("nan")

    @property
    def ci95(self) -> tuple[float, float]:
        """Wilson interval in ``[0, 1]``."""
        return wilson_interval(self.correct, self.n)

    def entry(self) -> dict[str, Any]:
        """As it stands in ``report.json``."""
        return {"value": self.value, "n": self.n, "ci95": list(self.ci95)}


class ZeroShotAccuracy(Metric):
    """Top-k accuracy of class scores, in ``[0, 1]``; higher is better.

    Counts images, not batches: any batching and any dealing to processes gives the same figure. Several
    *trials* (edited versions of one model) can be counted side by side over one pass of the data.

    Args:
        top_k: The ranks to count, e.g. ``(1, 5)``.
        trials: Number of versions counted side by side.
        kwargs: Passed to ``torchmetrics.Metric``.

    Example:
        >>> metric = ZeroShotAccuracy(top_k=(1,))
        >>> metric.update(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1]))
        >>> metric.compute()
        tensor(0.5000)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    correct: Tensor
    total: Tensor
    broken: Tensor

    def __init__(self, top_k: Sequence[int] = (1, 5), trials: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not top_k or min(top_k) < 1 or trials < 1:
            msg = f"Expected top_k of positive ranks and trials >= 1, but got {list(top_k)} and {trials}."
            raise SettingError(msg)
        self.top_k = tuple(top_k)
        zeros = torch.zeros(trials, dtype=torch.long)
        self.add_state("correct", torch.zeros(trials, len(top_k), dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("total", zeros.clone(), dist_reduce_fx="sum")
        self.add_state("broken", zeros.clone(), dist_reduce_fx="sum")

    def update(self, logits: Tensor, labels: Tensor, trial: int = 0) -> None:
        """Count one batch.

        Args:
            logits: Scores ``(B, C)``; only their order matters.
            labels: True class indices ``(B,)``.
            trial: Which version of the model gave the scores.
        """
        rank = true_class_rank(logits, labels)
        limits = torch.tensor(self.top_k, device=rank.device)
        self.correct[trial] += (rank[:, None] < limits).sum(dim=0)
        self.total[trial] += len(labels)
        self.broken[trial] += (rank == logits.shape[1]).sum()

    def compute(self) -> Tensor:
        """Accuracies ``(trials, len(top_k))``, axes of length one left out; NaN without images."""
        return (self.correct / self.total[:, None]).squeeze()

    def accuracies(self, trial: int = 0) -> dict[str, Accuracy]:
        """Counts of this process by ``top<k>``; call inside ``sync_context`` for all processes' counts."""
        total = int(self.total[trial])
        hits = self.correct[trial].tolist()
        return {f"top{k}": Accuracy(int(hit), total) for k, hit in zip(self.top_k, hits, strict=True)}

    def broken_rows(self, trial: int = 0) -> int:
        """Number of images whose scores were NaN or infinite: the edit broke the model."""
        return int(self.broken[trial])


class ForgetAccuracy(ZeroShotAccuracy):
    """Top-k accuracy on images of the concept alone (FA@k), in ``[0, 1]``; *lower* is better.

    The classifier still ranges over all names, so a low value means the images are taken for others.
    """

    higher_is_better = False
