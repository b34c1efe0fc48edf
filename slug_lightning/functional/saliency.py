"""Which single weights carry the concept most."""

from collections.abc import Mapping

import torch
from torch import Tensor


def saliency_masks(gradients: Mapping[str, Tensor], share: float = 0.5) -> dict[str, Tensor]:
    r"""Mask of the weights with the largest forget gradients, over all layers together.

    .. math:: m = 1\big( |\nabla_\theta L_f(\theta_0)| \ge \gamma \big)

    with :math:`\gamma` such that ``share`` of all weights are marked. Exactly that many are: among equal
    gradients the earlier weights come first.

    Args:
        gradients: Mean forget gradient by layer, at the original weights.
        share: Of weights that are marked, in ``(0, 1]``; rounded to whole weights, at least one.

    Returns:
        Boolean masks by layer, in the shapes of the gradients.

    Example:
        >>> saliency_masks({"a": torch.tensor([0.1, -0.4]), "b": torch.tensor([0.3, 0.2])})
        {'a': tensor([False,  True]), 'b': tensor([ True, False])}

    Source:
        SalUn (Fan et al. 2024, arXiv 2310.12508), equation 3; the median as threshold is theirs.
    """
    sizes = [gradient.numel() for gradient in gradients.values()]
    magnitudes = torch.cat([gradient.detach().flatten().abs() for gradient in gradients.values()])
    count = max(1, round(share * len(magnitudes)))
    chosen = torch.argsort(magnitudes, descending=True, stable=True)[:count]
    marked = torch.zeros_like(magnitudes, dtype=torch.bool)
    marked[chosen] = True
    parts = torch.split(marked, sizes)
    return {
        name: part.reshape(gradient.shape)
        for (name, gradient), part in zip(gradients.items(), parts, strict=True)
    }
