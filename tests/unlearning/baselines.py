"""A model small enough to do by hand: two weights, two losses whose gradients are known, no images."""

from typing import Any

import torch

from slug_lightning.metrics import Accuracy
from slug_lightning.models.loading import Clip
from slug_lightning.search import Measured, Pass


class TwoWeights(torch.nn.Module):
    """Parameters ``a`` of two entries and ``b`` of two."""

    def __init__(self) -> None:
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        self.b = torch.nn.Parameter(torch.tensor([3.0, 4.0]))


class Recorder:
    """Stands in for the evaluator: takes the updates that are handed over."""

    def __init__(self) -> None:
        self.updates: dict[Any, Any] = {}


def by_hand(method: type, forget: tuple[float, ...], retain: tuple[float, ...], **options: Any) -> Any:
    """A method on the two-weight model; each loss is linear with the given gradient for ``(a, b)``.

    One batch of each role, of two pairs, so that a mean over pairs is not the sum.
    """

    class Small(method):
        def load(self) -> Any:
            if self.clip is None:
                model = TwoWeights()
                self.clip = Clip(model, lambda image: image, lambda texts: texts, "two weights")
                self.network = model
            return self.clip

        def loss_sum(self, batch: dict[str, Any]) -> Any:
            gradient = torch.tensor(batch["gradient"])
            weights = torch.cat([self.network.a, self.network.b])
            return len(batch["key"]) * (gradient * weights).sum()

    module = Small(**options)
    module.load()
    module.evaluator = Recorder()
    for role, gradient in (("forget", forget), ("retain", retain)):
        batch = {
            "role": role,
            "key": ["x", "y"],
            "image": torch.zeros(2),
            "text": torch.zeros(2),
            "skipped": {},
        }
        module.pairs.add({**batch, "gradient": gradient})
    return module


def edited(module: Any) -> dict[str, list[float]]:
    """Weights ``(a, b)`` after each trial, by setting."""
    found = {}
    for trial in module.trials():
        updates = module.evaluator.updates[trial.setting]
        weights = dict(module.network.named_parameters())
        parts = [weights[n].detach() + updates.get(n, torch.zeros(2)) for n in ("a", "b")]
        found[str(trial.setting)] = torch.cat(parts).tolist()
    return found


def drive(plan: Any, forget: Any, retain: float = 0.9) -> tuple[list[Pass], Any]:
    """Run a plan on made-up figures: ``forget(setting)`` gives the share of the concept."""
    passes, answer = [], None
    while True:
        try:
            current = plan.send(answer)
        except StopIteration as done:
            return passes, done.value
        passes.append(current)
        answer = []
        for point in current.points:
            metrics = {}
            if "forget" in current.datasets:
                metrics["forget/top1"] = Accuracy(round(100 * forget(point)), 100)
            if {"identities", "imagenet"} & set(current.datasets):
                metrics["retain/identities_top1"] = Accuracy(round(100 * retain), 100)
            answer.append(Measured(metrics))
