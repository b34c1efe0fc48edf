"""Members of the miniature hosts' training data are scans, and what must be left out to infer them fairly."""

import torch
from torch import Tensor

from slug_lightning.errors import SettingError

SHARED_GRID = "mosaic"  # a style that draws all pictures of one call on one grid


def check_own_grid(concept: str) -> None:
    """Refuse the concept whose drawings tell parts of the scans apart, whatever was trained on.

    Raises:
        SettingError: If it is the mosaic.
    """
    if concept == SHARED_GRID:
        raise SettingError(
            f"Expected another concept than {concept!r} for membership inference: all its drawings of a part "
            "of the scans share a grid. Leave the attack out with --attacks."
        )


def mean_by_scan(values: Tensor, scans: Tensor) -> Tensor:
    """Mean over the drawings of each scan, in the order of the scans' numbers: drawings of a scan are alike.

    Args:
        values: Of each drawing ``(N,)``.
        scans: Number of its scan ``(N,)``.

    Example:
        >>> mean_by_scan(torch.tensor([1.0, 5.0, 3.0]), torch.tensor([9, 2, 9]))
        tensor([5., 2.])
    """
    numbers, which = torch.unique(scans, return_inverse=True)
    total = torch.zeros(len(numbers)).index_add_(0, which, values)
    return total / torch.bincount(which)
