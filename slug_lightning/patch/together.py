"""Several patches on one model: each was made on the original weights, and all are added to them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from slug_lightning.models import get_layer
from slug_lightning.patch.patch import Patch


@contextmanager
def applied_together(patches: Sequence[Patch], model: nn.Module, force: bool = False) -> Iterator[nn.Module]:
    """The model with every patch inside the ``with`` block; afterwards the original, bit for bit.

    Updates of the same layer are added in their order.

    Args:
        patches: Made on the weights that ``model`` has now.
        model: open_clip model.
        force: See ``Patch.apply_``.

    Raises:
        PatchMismatchError: If one of them belongs to other weights; the model is then as it was.
    """
    for patch in patches:
        patch.check(model, force)
    originals: dict[str, Tensor] = {}
    try:
        with torch.no_grad():
            for patch in patches:
                weight = get_layer(model, patch.layer)
                originals.setdefault(patch.layer, weight.detach().clone())
                weight.copy_(patch.edited(weight))
        yield model
    finally:
        with torch.no_grad():
            for layer, original in originals.items():
                get_layer(model, layer).copy_(original)
