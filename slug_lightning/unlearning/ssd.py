"""Shrink the weights that the concept needs more than the rest does."""

from collections.abc import Iterator, Sequence
from itertools import islice

import torch
from torch import Tensor

from slug_lightning.errors import SettingError
from slug_lightning.functional import dampen
from slug_lightning.search import GridSettings, Setting, Trial
from slug_lightning.unlearning.baseline import MEMORY_BYTES, Baseline
from slug_lightning.unlearning.gradients import Role
from slug_lightning.unlearning.remembered import Batch

SELECTIONS = (1.0, 2.0, 3.0, 4.0, 6.0)
DAMPENINGS = (0.01, 0.1, 0.3, 1.0, 3.0)


class SSD(Baseline):
    r"""Selective synaptic dampening (SSD): no training, one product with the original weights.

    Importance is the mean over pairs of the squared gradient of one loss, on forget pairs and on retain
    pairs; see ``dampen`` for what follows. The loss is one minus the cosine, which every pair has by itself:
    the contrastive loss of a batch of forget pairs alone says how they differ from each other, and with it
    this method ruined the miniature CLIP. Every setting starts from the original weights.

    Args:
        model: See ``load_clip``.
        pretrained: See ``load_clip``.
        include: See ``Baseline``.
        search: Criterion and target.
        selections: The grid's first axis: a weight is selected where its forget importance is over this many
            times its retain importance.
        dampenings: The second: factor of the ratio that selected weights are shrunk to.
        pairs_at_once: Pairs whose mean gradient is squared; the paper takes one sample, or a batch.
        seed: Of the report; nothing is drawn.
        memory_bytes: See ``Baseline``.

    Source:
        Foster, Schoepf, Brintrup 2024 (AAAI, arXiv 2308.07707).
    """

    method = "ssd"

    def __init__(
        self,
        model: str = "miniature",
        pretrained: str | None = None,
        include: Sequence[str] = ("*",),
        search: GridSettings = GridSettings(),
        selections: Sequence[float] = SELECTIONS,
        dampenings: Sequence[float] = DAMPENINGS,
        pairs_at_once: int = 32,
        seed: int = 0,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        super().__init__(model, pretrained, include, search, seed, memory_bytes)
        self._positive(selections=selections, dampenings=dampenings)
        if pairs_at_once < 1:
            raise SettingError(f"Expected model.pairs_at_once to be at least 1, but got {pairs_at_once}.")
        self.pairs_at_once = pairs_at_once
        self.selections, self.dampenings = sorted(set(selections)), sorted(set(dampenings))

    def grid(self) -> dict[str, list[float]]:
        """Selection weights and dampening constants."""
        return {"selection": self.selections, "dampening": self.dampenings}

    def importance(self, role: Role) -> dict[str, Tensor]:
        """Mean over parts, weighed by their pairs, of the squared gradient."""
        total: dict[str, Tensor] = {name: torch.zeros_like(w) for name, w in self.weights().items()}
        for number, part in enumerate(_parts(self.pairs.batches[role], self.pairs_at_once)):
            gradient = self.batch_gradient(role, part, f"{role} part {number}")
            for name, entry in gradient.items():
                total[name].addcmul_(entry, entry, value=len(part["key"]))
        return {name: entry / self.pairs.pairs(role) for name, entry in total.items()}

    def trials(self) -> Iterator[Trial]:
        """Both importances once, then every setting."""
        originals = {name: weight.detach() for name, weight in self.weights().items()}
        forget, retain = self.importance("forget"), self.importance("retain")
        for selection in self.selections:
            for dampening in self.dampenings:
                edited = {
                    name: dampen(weight, forget[name], retain[name], selection, dampening)
                    for name, weight in originals.items()
                }
                yield self.put_on(Setting.of(selection=selection, dampening=dampening), edited, originals)


def _parts(batches: Sequence[Batch], size: int) -> Iterator[Batch]:
    """A role's pairs in parts of one size, but for the last, whatever the batches they came in.

    Of more pairs, the square of the mean gradient is smaller: importances of both roles must be of as many.
    The loss is the forget loss for both.
    """
    pairs = (pair for b in batches for pair in zip(b["image"], b["text"], b["key"], strict=True))
    while part := list(islice(pairs, size)):
        images, texts, keys = zip(*part, strict=True)
        yield {
            **batches[0],
            "role": "forget",
            "image": torch.stack(images),
            "text": torch.stack(texts),
            "key": list(keys),
        }
