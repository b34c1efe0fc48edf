"""A direction that changes the forget loss much and the loss of each retain group little."""

import torch
from torch import Tensor


def retain_aware(gradient: Tensor, rows: Tensor, columns: Tensor, damping: float = 0.1) -> Tensor:
    r"""The forget gradient, weighed against the retain gradients of many groups.

    .. math:: \Delta \propto L^{-1/2}\, g\, R^{-1/2}, \quad
        L = \sum_b g_b g_b^\top, \quad R = \sum_b g_b^\top g_b

    To first order an update changes the retain loss of group ``b`` by :math:`\langle g_b, \Delta \rangle`.
    The mean over groups says little of that: it is near zero in a trained model, single ones are not.
    Over all groups, :math:`\sum_b \langle g_b, \Delta \rangle^2 = \delta^\top F \delta`, where
    :math:`\delta = \mathrm{vec}(\Delta)` and :math:`F = \sum_b \mathrm{vec}(g_b) \mathrm{vec}(g_b)^\top`, and
    :math:`F \preceq r\, L^{1/2} \otimes R^{1/2}` with the largest rank ``r`` of a :math:`g_b`. The update
    that maximises :math:`\langle g, \Delta \rangle` while that bound stays below a constant is the one above;
    to both matrices ``damping`` times their mean eigenvalue is added first. So
    :math:`\langle g, \Delta \rangle` is positive: a small step raises the forget loss.

    Args:
        gradient: Mean forget gradient of one layer; dimensions behind the first are taken as one.
        rows: ``L``, symmetric, as long as the first dimension; any scale.
        columns: ``R``, symmetric, as long as the other dimensions together; any scale.
        damping: Relative to the mean eigenvalue, positive. Large: the gradient itself.

    Returns:
        The direction in the shape of the gradient, float32, scaled to its norm: a step means as large an
        update as along the gradient.

    Source:
        The bound is lemma 8 of Shampoo (Gupta, Koren, Singer 2018, arXiv 1802.09568). Relatives: the natural
        gradient with K-FAC's factors (Martens, Grosse 2015, arXiv 1503.05671) and null-space editing
        (AlphaEdit, arXiv 2410.02355), which shields inputs alone.
    """
    g = gradient.double().flatten(1)
    found: Tensor = _root(rows, damping) @ g @ _root(columns, damping)
    size = found.norm()
    if size > 0:
        found = found * (g.norm() / size)
    return found.float().reshape(gradient.shape)


def _root(moment: Tensor, damping: float) -> Tensor:
    """Inverse square root of a symmetric matrix over its mean eigenvalue, damped; identity for zeros."""
    values, vectors = torch.linalg.eigh(moment.double())
    values = values.clamp_min(0)
    mean = values.mean()
    if mean == 0:
        return torch.eye(len(values), dtype=torch.float64, device=values.device)
    root: Tensor = (vectors * (values / mean + damping).rsqrt()) @ vectors.T
    return root
