"""One way to train every network here: AdamW, warm-up and cosine, a moving average of the weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Schedule:
    """Settings of a training.

    Attributes:
        steps: Number of updates.
        batch_size: Pictures per update.
        learning_rate: Highest learning rate, reached after ``warmup`` updates and followed by a cosine to 0.
        warmup: Updates over which the learning rate rises.
        decay: AdamW's weight decay.
        average: Decay of the moving average per update; 0 keeps the last weights.
        seed: Of weights, order, noise and augmentation.
        stop: Update after which training ends before the schedule does.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup: int = 100
    decay: float = 1e-4
    average: float = 0.0
    seed: int = 0
    stop: int | None = None

    def rate(self, step: int) -> float:
        """Share of the highest learning rate at ``step``.

        Example:
            >>> schedule = Schedule(steps=10, batch_size=1, learning_rate=1.0, warmup=2)
            >>> [round(schedule.rate(step), 2) for step in (0, 1, 2, 6, 10)]
            [0.5, 1.0, 1.0, 0.5, 0.0]
        """
        if step < self.warmup:
            return (step + 1) / self.warmup
        return 0.5 * (1 + math.cos(math.pi * (step - self.warmup) / max(1, self.steps - self.warmup)))


def optimise(
    model: M,
    loss: Callable[[torch.Generator], Tensor],
    schedule: Schedule,
    watch: Callable[[int, float, M], None] | None = None,
) -> M:
    """Train ``model`` in place.

    Args:
        model: Network whose parameters ``loss`` reads.
        loss: Loss of one batch; all its randomness comes from the generator.
        schedule: Settings.
        watch: Called after each update with its number, its loss and the averaged network; see
            ``average``.

    Returns:
        The averaged network, in evaluation mode.
    """
    optimizer = torch.optim.AdamW(model.parameters(), schedule.learning_rate, weight_decay=schedule.decay)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.rate)
    averaging = get_ema_multi_avg_fn(schedule.average)  # type: ignore[no-untyped-call]
    mean = AveragedModel(model, multi_avg_fn=averaging, use_buffers=True)
    averaged: M = mean.module  # type: ignore[assignment]
    generator = torch.Generator().manual_seed(schedule.seed)
    model.train()
    for step in range(schedule.stop or schedule.steps):
        value = loss(generator)
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rates.step()
        mean.update_parameters(model)
        if watch is not None:
            watch(step + 1, value.item(), averaged)
    return averaged.eval()


def draw_rows(count: int, size: int, generator: torch.Generator) -> Tensor:
    """``size`` random rows of ``count``, with repetition."""
    return torch.randint(0, count, (size,), generator=generator)
