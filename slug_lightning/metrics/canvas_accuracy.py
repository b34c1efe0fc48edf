"""Which style and object two classifiers see in generated images, counted by what was asked for."""

from typing import Any, Literal

import torch
from torch import Tensor
from torchmetrics import Metric

from slug_lightning.functional.unlearning_accuracy import unlearning_accuracies


class CanvasAccuracy(Metric):
    """UA, IRA and CRA of a target style or object, in ``[0, 1]``; high is good.

    Kept are counts for each style with each object, so that accuracies of any name can be read from them, and
    what was taken for what (``styles_taken[asked, seen]``).

    Args:
        styles: Number of themes, the classes of the style classifier.
        objects: Number of objects, the classes of the object classifier.
        kind: Whether the target is a ``style`` or an ``object``.
        target: Its number.
        kwargs: Passed to ``torchmetrics.Metric``.

    Example:
        >>> metric = CanvasAccuracy(styles=2, objects=2, kind="style", target=0)
        >>> style, thing = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
        >>> metric.update(torch.eye(2)[[1, 1, 1, 0]], torch.eye(2)[thing], style, thing)
        >>> {name: float(value) for name, value in metric.compute().items()}
        {'UA': 1.0, 'IRA': 0.5, 'CRA': 1.0}
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    style_hits: Tensor
    object_hits: Tensor
    total: Tensor
    styles_taken: Tensor
    objects_taken: Tensor

    def __init__(
        self, styles: int, objects: int, kind: Literal["style", "object"], target: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.kind, self.target = kind, target
        for name in ("style_hits", "object_hits", "total"):
            zeros = torch.zeros(styles, objects, dtype=torch.long)
            self.add_state(name, zeros, dist_reduce_fx="sum")
        for name, count in (("styles_taken", styles), ("objects_taken", objects)):
            self.add_state(name, torch.zeros(count, count, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, style_logits: Tensor, object_logits: Tensor, styles: Tensor, objects: Tensor) -> None:
        """Count one batch.

        Args:
            style_logits: Scores of the style classifier, ``(B, S)``.
            object_logits: Scores of the object classifier, ``(B, O)``.
            styles: Theme that was asked for, ``(B,)``.
            objects: Object that was asked for, ``(B,)``.
        """
        seen_style, seen_object = style_logits.argmax(1), object_logits.argmax(1)
        one = torch.ones_like(styles)
        for table, cells, values in (
            (self.style_hits, (styles, objects), (seen_style == styles).long()),
            (self.object_hits, (styles, objects), (seen_object == objects).long()),
            (self.total, (styles, objects), one),
            (self.styles_taken, (styles, seen_style), one),
            (self.objects_taken, (objects, seen_object), one),
        ):
            table.index_put_(cells, values, accumulate=True)

    def accuracies(self) -> dict[str, float]:
        """All figures, from the counts of this process; use ``compute`` for those of all."""
        own, other, total = self.style_hits, self.object_hits, self.total
        if self.kind == "object":
            own, other, total = other.T, own.T, total.T
        return unlearning_accuracies(own, other, total, self.target)

    def compute(self) -> dict[str, Tensor]:
        """UA, IRA and CRA."""
        found = self.accuracies()
        return {name: torch.tensor(found[name]) for name in ("UA", "IRA", "CRA")}
