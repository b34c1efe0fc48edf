"""How differently two models classify."""

import math

import torch
from torch import Tensor


def jensen_shannon(one: Tensor, other: Tensor) -> Tensor:
    r"""Jensen-Shannon divergence between class distributions, row by row, in bits.

    .. math:: \tfrac12 \mathrm{KL}(p \| m) + \tfrac12 \mathrm{KL}(q \| m), \quad m = \tfrac12 (p + q)

    It compares what models *say*, so that models with unrelated embedding spaces can be compared.

    Args:
        one: Probabilities ``(N, C)``.
        other: Probabilities ``(N, C)`` of the same images over the same names.

    Returns:
        Shape ``(N,)``, in ``[0, 1]``; 0 for equal distributions, 1 for those without a common class.

    Example:
        >>> jensen_shannon(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.0, 1.0], [0.5, 0.5]]))
        tensor([1., 0.])

    Source:
        Lin 1991, doi 10.1109/18.61115.
    """
    middle = (one + other) / 2
    parts = [torch.special.xlogy(p, p) - torch.special.xlogy(p, middle) for p in (one, other)]
    bits: Tensor = (parts[0] + parts[1]).sum(dim=-1) / (2 * math.log(2))
    return bits.clamp_min(0)
