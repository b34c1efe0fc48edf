"""Shrink the weights that matter more to the concept than to the rest."""

import torch
from torch import Tensor


def dampen(
    weight: Tensor, forget_importance: Tensor, retain_importance: Tensor, selection: float, dampening: float
) -> Tensor:
    r"""Selective synaptic dampening of one layer.

    .. math:: \theta_i \leftarrow \beta_i \theta_i, \quad
        \beta_i = \begin{cases} \min(\lambda I^r_i / I^f_i, 1) & I^f_i > \alpha I^r_i \\
        1 & \text{else} \end{cases}

    Args:
        weight: Original weights of the layer: dampening twice is not dampening more.
        forget_importance: :math:`I^f`, mean squared gradient on forget pairs, same shape, at least 0.
        retain_importance: :math:`I^r`, the same on what must stay. The paper takes all training data, of
            which the forget pairs are a small part.
        selection: :math:`\alpha`; small selects many weights.
        dampening: :math:`\lambda`; small shrinks them more.

    Returns:
        The dampened weights, a new tensor.

    Example:
        >>> theta, forget, retain = torch.tensor([2.0, 2.0]), torch.tensor([8.0, 1.0]), torch.ones(2)
        >>> dampen(theta, forget, retain, selection=4.0, dampening=2.0)
        tensor([0.5000, 2.0000])

    Source:
        Foster, Schoepf, Brintrup 2024 (AAAI, arXiv 2308.07707), equations 4 to 6.
    """
    ratio = dampening * retain_importance / forget_importance
    factor = torch.where(forget_importance > selection * retain_importance, ratio.clamp(max=1.0), 1.0)
    return weight.detach() * factor
