"""Methods that train: a few updates along gradients of the two losses, from the original weights."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor

from slug_lightning.errors import NonFiniteError
from slug_lightning.search import GridSettings, Setting, Trial
from slug_lightning.unlearning.baseline import MEMORY_BYTES, Baseline
from slug_lightning.unlearning.gradients import Role

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
UPDATES = (1, 2, 4, 8, 16, 32)
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}

ByRole = Mapping[Role, Mapping[str, Tensor]]


class Descent(Baseline):
    """Trains with each learning rate once, and is measured after several numbers of updates on the way.

    An update sees one batch of each role that the method uses; the order is drawn anew every round.

    Args:
        model: See ``load_clip``.
        pretrained: See ``load_clip``.
        include: See ``Baseline``.
        search: Criterion and target.
        learning_rates: The grid's first axis.
        updates: The second: numbers of updates after which the model is measured.
        optimizer: ``adam``, or ``sgd`` (plain).
        seed: Of the order of batches.
        memory_bytes: See ``Baseline``.
    """

    roles: ClassVar[tuple[Role, ...]]

    def __init__(
        self,
        model: str = "miniature",
        pretrained: str | None = None,
        include: Sequence[str] = ("*",),
        search: GridSettings = GridSettings(),
        learning_rates: Sequence[float] = RATES,
        updates: Sequence[int] = UPDATES,
        optimizer: Literal["adam", "sgd"] = "adam",
        seed: int = 0,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        super().__init__(model, pretrained, include, search, seed, memory_bytes)
        self._positive(learning_rates=learning_rates, updates=updates)
        self.learning_rates, self.updates = sorted(set(learning_rates)), sorted(set(updates))
        self.optimizer_name = optimizer

    @abstractmethod
    def descended(self, gradients: ByRole) -> Mapping[str, Tensor]:
        """The gradient to go down along, of the mean gradients of one batch of each role."""

    def grid(self) -> dict[str, list[float]]:
        """Learning rates and numbers of updates."""
        return {"learning_rate": self.learning_rates, "updates": [float(n) for n in self.updates]}

    def trials(self) -> Iterator[Trial]:
        """All numbers of updates of one learning rate after another."""
        weights = self.weights()
        originals = {name: weight.detach().clone() for name, weight in weights.items()}
        try:
            for rate in self.learning_rates:
                yield from self._one_training(rate, weights, originals)
                _copy(originals, weights)
        finally:
            _copy(originals, weights)

    def _one_training(
        self, rate: float, weights: Mapping[str, torch.nn.Parameter], originals: Mapping[str, Tensor]
    ) -> Iterator[Trial]:
        optimizer = OPTIMIZERS[self.optimizer_name](list(weights.values()), lr=rate)
        streams = {
            role: self.pairs.endless(role, torch.Generator().manual_seed(2 * self.seed + number))
            for number, role in enumerate(self.roles)
        }
        for count in range(1, self.updates[-1] + 1):
            name = f"update {count} at learning rate {rate:g}"
            try:
                found = {r: self.batch_gradient(r, next(batches), name) for r, batches in streams.items()}
            except NonFiniteError:  # the training has diverged: what follows cannot be a model
                return
            for layer, gradient in self.descended(found).items():
                weights[layer].grad = gradient
            optimizer.step()
            optimizer.zero_grad()
            if count in self.updates:
                current = {name: weight.detach().clone() for name, weight in weights.items()}
                trial = self.put_on(Setting.of(learning_rate=rate, updates=count), current, originals)
                _copy(originals, weights)  # updates are added to the original weights
                yield trial
                _copy(current, weights)


def _copy(source: Mapping[str, Tensor], weights: Mapping[str, torch.nn.Parameter]) -> None:
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(source[name])
