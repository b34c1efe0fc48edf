"""Shrink the weights that the concept needs more than the rest does."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from slug_lightning.errors import SettingError
from slug_lightning.functional import dampen
from slug_lightning.search import GridSettings, Setting, Trial
from slug_lightning.unlearning.baseline import MEMORY_BYTES, Baseline
from slug_lightning.unlearning.gradients import Role

SELECTIONS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
DAMPENINGS = (0.01, 0.1, 0.3, 1.0, 3.0)


class SSD(Baseline):
    r"""Selective synaptic dampening (SSD): no training, one product with the original weights.

    Importance is the mean over batches of the squared gradient of the loss that the model was trained with,
    on forget pairs and on retain pairs; see ``dampen`` for what follows. Every setting starts from the
    original weights.

    Args:
        model: See ``load_clip``.
        pretrained: See ``load_clip``.
        include: See ``Baseline``.
        search: Criterion and target.
        selections: The grid's first axis: a weight is selected where its forget importance is over this many
            times its retain importance.
        dampenings: The second: factor of the ratio that selected weights are shrunk to.
        seed: Of the report; nothing is drawn.
        memory_bytes: See ``Baseline``.

    Source:
        Foster, Schoepf, Brintrup 2024 (AAAI, arXiv 2308.07707). They take the gradients of single samples;
        a contrastive loss has none, so a batch is the unit here.
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
        seed: int = 0,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        super().__init__(model, pretrained, include, search, seed, memory_bytes)
        if any(value <= 0 for value in (*selections, *dampenings)):
            raise SettingError(
                "Expected positive model.selections and model.dampenings, but got "
                f"{list(selections)} and {list(dampenings)}."
            )
        self.selections, self.dampenings = sorted(set(selections)), sorted(set(dampenings))

    def grid(self) -> dict[str, list[float]]:
        """Selection weights and dampening constants."""
        return {"selection": self.selections, "dampening": self.dampenings}

    def importance(self, role: Role) -> dict[str, Tensor]:
        """Mean over batches, weighed by their pairs, of the squared gradient of the training loss."""
        total: dict[str, Tensor] = {name: torch.zeros_like(w) for name, w in self.weights().items()}
        for number, batch in enumerate(self.pairs.batches[role]):
            trained = {**batch, "role": "retain"}  # the same loss for both, or they could not be compared
            gradient = self.batch_gradient(role, trained, f"{role} batch {number}")
            for name, part in gradient.items():
                total[name].addcmul_(part, part, value=len(batch["key"]))
        return {name: part / self.pairs.pairs(role) for name, part in total.items()}

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
