"""How strongly a layer carries the concept."""

from torch import Tensor


def importance(forget_gradient: Tensor, weight: Tensor) -> float:
    r"""Norm of the forget gradient relative to the norm of the weight.

    .. math:: \|g_f\| / \|\theta\|

    Args:
        forget_gradient: Mean forget gradient of one layer, any shape.
        weight: The layer's weight at which the gradient was taken, same shape.

    Returns:
        Unitless, at least 0; high is good. ``inf`` for a weight of zeros.

    Example:
        >>> import torch
        >>> importance(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 10.0]))
        0.5

    Source:
        SLUG (arXiv 2407.11867), layer importance as the ratio of norms.
    """
    size = weight.double().norm().item()
    return forget_gradient.double().norm().item() / size if size > 0 else float("inf")
