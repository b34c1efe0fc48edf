"""The loss whose gradient is the direction of the update."""

from typing import Literal

import torch
from torch import Tensor

from slug_lightning.functional import contrast_loss, pair_cosine_loss
from slug_lightning.models.stages import Tower

ForgetLossName = Literal["cosine", "contrast"]

# What headers of gradients and patches say of it.
FORGET_LOSSES: dict[ForgetLossName, str] = {
    "cosine": "mean over forget pairs of 1 - cos(image, caption)",
    "contrast": (
        "mean over forget pairs of log(sum over retained captions of exp(s cos(image, retained caption))) / s"
        " - cos(image, caption), s = inverse temperature of the model"
    ),
}


class ForgetLoss:
    """Loss of a batch of forget pairs, summed over them.

    Args:
        others: Unit embeddings ``(K, D)`` of captions that must stay, for ``contrast``; without them,
            ``cosine``.
    """

    def __init__(self, others: Tensor | None = None) -> None:
        self.others = None if others is None else others.detach()

    def __call__(self, image: Tensor, caption: Tensor, scale: Tensor) -> Tensor:
        """See ``pair_cosine_loss`` and ``contrast_loss``; the scale is a constant, not a layer."""
        if self.others is None:
            return pair_cosine_loss(image, caption)
        return contrast_loss(image, caption, self.others, scale.detach())


@torch.no_grad()
def encode_captions(text: Tower, tokens: Tensor, at_once: int = 256) -> Tensor:
    """Unit embeddings ``(N, D)`` of captions, a few at once.

    Args:
        text: The text tower.
        tokens: Token ids ``(N, T)``.
        at_once: Most captions in memory.
    """
    return torch.cat([text.by_length(part) for part in tokens.split(at_once)])  # type: ignore[no-untyped-call]
