"""A direction that leaves the mean retain loss alone."""

from torch import Tensor


def without_component(direction: Tensor, other: Tensor) -> Tensor:
    r"""What is left of a direction when its component along another one is removed.

    .. math:: g - \frac{\langle g, r \rangle}{\|r\|^2} r

    With the retain gradient as the other direction, a small step along the result changes the retain loss in
    second order only.

    Args:
        direction: Any shape.
        other: Same shape; nothing is removed along zero.

    Returns:
        Orthogonal to ``other``, float32, in the shape of ``direction``.

    Example:
        >>> import torch
        >>> without_component(torch.tensor([3.0, 4.0]), torch.tensor([0.0, 2.0]))
        tensor([3., 0.])
    """
    g, r = direction.double(), other.double()
    square = (r * r).sum()
    return (g - (g * r).sum() / square * r).float() if square > 0 else direction.float().clone()
