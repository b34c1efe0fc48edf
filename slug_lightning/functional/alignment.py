"""How much a layer's update would touch what must stay."""

from torch import Tensor


def alignment(forget_gradient: Tensor, retain_gradient: Tensor) -> float:
    r"""Absolute cosine between the forget and the retain gradient of one layer.

    .. math:: |\langle g_f, g_r \rangle| \,/\, (\|g_f\| \|g_r\|)

    Args:
        forget_gradient: Mean forget gradient of one layer, any shape.
        retain_gradient: Mean retain gradient of the same layer, same shape.

    Returns:
        Unitless in ``[0, 1]``; low is good. 0 when either gradient is zero: nothing is touched.

    Example:
        >>> import torch
        >>> alignment(torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 0.0]))
        1.0

    Source:
        SLUG (arXiv 2407.11867), gradient alignment as a cosine.
    """
    forget, retain = forget_gradient.double().flatten(), retain_gradient.double().flatten()
    product = (forget.norm() * retain.norm()).item()
    return min(1.0, abs((forget @ retain).item()) / product) if product > 0 else 0.0
