"""The losses whose gradients are taken once: forget (cosine) and retain (InfoNCE, or the sigmoid loss)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def pair_cosine_loss(image: Tensor, text: Tensor) -> Tensor:
    r"""Sum over pairs of one minus the cosine between image and caption embedding.

    .. math:: \sum_i 1 - \langle v_i, t_i \rangle

    A *step along its gradient* raises it: the pairs come apart. The sum, not the mean, so that batches
    of different sizes add up to the mean over samples.

    Args:
        image: Unit image embeddings ``(B, D)``.
        text: Unit caption embeddings ``(B, D)``, row by row the captions of ``image``.

    Returns:
        Scalar in ``[0, 2 B]``.

    Example:
        >>> pair_cosine_loss(torch.eye(2), torch.eye(2)).item()
        0.0
    """
    return (1 - (image * text).sum(dim=-1)).sum()


def clip_loss(image: Tensor, text: Tensor, logit_scale: Tensor | float) -> Tensor:
    r"""Symmetric InfoNCE over one group: the mean of image-to-text and text-to-image cross-entropy.

    .. math:: \tfrac12 \big( \mathrm{CE}(s V T^\top, I) + \mathrm{CE}(s T V^\top, I) \big)

    Args:
        image: Unit image embeddings ``(B, D)``.
        text: Unit caption embeddings ``(B, D)``.
        logit_scale: Inverse temperature ``s``, already exponentiated.

    Returns:
        Scalar, mean over the ``B`` pairs, at least 0; exactly 0 for a group of one.

    Source:
        Radford et al. 2021 (arXiv 2103.00020), figure 3; the retain loss of SLUG (arXiv 2407.11867).
    """
    logits = logit_scale * image @ text.T
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def sigmoid_loss(
    image: Tensor, text: Tensor, logit_scale: Tensor | float, logit_bias: Tensor | float
) -> Tensor:
    r"""SigLIP's loss over one group: each image and caption is a yes-or-no question of its own.

    .. math:: -\tfrac1B \sum_{ij} \log \sigma\big( z_{ij} (s \langle v_i, t_j \rangle + b) \big)

    with :math:`z_{ij} = 1` for the pairs and -1 elsewhere.

    Args:
        image: Unit image embeddings ``(B, D)``.
        text: Unit caption embeddings ``(B, D)``.
        logit_scale: Inverse temperature ``s``, already exponentiated.
        logit_bias: Offset ``b``.

    Returns:
        Scalar, mean over the ``B`` pairs, at least 0.

    Source:
        Zhai et al. 2023 (arXiv 2303.15343), algorithm 1.
    """
    logits = logit_scale * image @ text.T + logit_bias
    signs = 2 * torch.eye(len(logits), device=logits.device) - 1
    return -F.logsigmoid(signs * logits).sum() / len(logits)
