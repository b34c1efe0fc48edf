"""Weights that an attack changes in place, and that are as before afterwards."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def restored(weights: Iterable[Tensor]) -> Iterator[None]:
    """Anything may happen to the weights inside the block; afterwards they are the originals, bit for bit.

    Gradients are gone then, and whether weights take some is as before.
    """
    kept = [(weight, weight.detach().clone(), weight.requires_grad) for weight in weights]
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, saved, trained in kept:
                weight.copy_(saved)
                weight.grad = None
                weight.requires_grad_(trained)
