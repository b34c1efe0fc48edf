"""UA, IRA and CRA of one target, out of counts by style and object."""

from typing import NamedTuple

from torch import Tensor


class UnlearningAccuracies(NamedTuple):
    """Figures of one target, each in ``[0, 1]``; high is good.

    Attributes:
        ua: Unlearning accuracy: share of the target's images that are *not* recognised as the target.
        ira: In-domain retain accuracy: mean over the other names of the target's kind.
        cra: Cross-domain retain accuracy: mean over all names of the other kind, in all images.
        cra_elsewhere: The same in images that do not show the target.
    """

    ua: float
    ira: float
    cra: float
    cra_elsewhere: float


def unlearning_accuracies(
    own_hits: Tensor, other_hits: Tensor, total: Tensor, target: int
) -> UnlearningAccuracies:
    r"""UnlearnCanvas' accuracies (arXiv 2402.11846) of one target.

    With rows :math:`i` of the target's kind and columns :math:`j` of the other, hits :math:`h`, :math:`o` and
    images :math:`n`:

    .. math:: UA = 1 - \frac{\sum_j h_{tj}}{\sum_j n_{tj}}, \quad
              IRA = \operatorname*{mean}_{i \ne t} \frac{\sum_j h_{ij}}{\sum_j n_{ij}}, \quad
              CRA = \operatorname*{mean}_j \frac{\sum_i o_{ij}}{\sum_i n_{ij}}

    Args:
        own_hits: Images whose row was recognised, ``(R, C)``.
        other_hits: Images whose column was recognised, ``(R, C)``.
        total: Images, ``(R, C)``; each row and column must have some.
        target: Row of the target.

    Example:
        >>> import torch
        >>> own = torch.tensor([[0, 1], [2, 2], [2, 1]])
        >>> unlearning_accuracies(own, torch.full((3, 2), 2), torch.full((3, 2), 2), target=0)
        UnlearningAccuracies(ua=0.75, ira=0.875, cra=1.0, cra_elsewhere=1.0)
    """
    own, other, count = own_hits.double(), other_hits.double(), total.double()
    rows = own.sum(1) / count.sum(1)
    kept = [row for row in range(len(rows)) if row != target]
    return UnlearningAccuracies(
        ua=1 - float(rows[target]),
        ira=float(rows[kept].mean()),
        cra=float((other.sum(0) / count.sum(0)).mean()),
        cra_elsewhere=float((other[kept].sum(0) / count[kept].sum(0)).mean()),
    )
