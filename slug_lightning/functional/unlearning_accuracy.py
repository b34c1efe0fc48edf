"""UA, IRA and CRA of one target, out of counts by style and object."""

from torch import Tensor


def unlearning_accuracies(
    own_hits: Tensor, other_hits: Tensor, total: Tensor, target: int
) -> dict[str, float]:
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

    Returns:
        In ``[0, 1]``, high is good: ``UA``, the share of the target's images that are *not* recognised as the
        target; ``IRA``, the mean over the other names of its kind; ``CRA``, the mean over all names of the
        other kind; ``CRA_elsewhere``, the same in images that do not show the target.

    Example:
        >>> import torch
        >>> own = torch.tensor([[0, 1], [2, 2], [2, 1]])
        >>> unlearning_accuracies(own, torch.full((3, 2), 2), torch.full((3, 2), 2), target=0)
        {'UA': 0.75, 'IRA': 0.875, 'CRA': 1.0, 'CRA_elsewhere': 1.0}
    """
    own, other, count = own_hits.double(), other_hits.double(), total.double()
    rows = own.sum(1) / count.sum(1)
    kept = [row for row in range(len(rows)) if row != target]
    return {
        "UA": 1 - float(rows[target]),
        "IRA": float(rows[kept].mean()),
        "CRA": float((other.sum(0) / count.sum(0)).mean()),
        "CRA_elsewhere": float((other[kept].sum(0) / count[kept].sum(0)).mean()),
    }
