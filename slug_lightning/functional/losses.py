"""The losses whose gradients are taken once: forget (cosine, contrast) and retain (InfoNCE, sigmoid loss)."""

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


def contrast_loss(image: Tensor, text: Tensor, others: Tensor, scale: Tensor | float) -> Tensor:
    r"""Sum over pairs of how far the image is closer to other captions than to its own.

    .. math:: \sum_i \tfrac1s \log \sum_j \exp(s \langle v_i, o_j \rangle) - \langle v_i, t_i \rangle

    This is ``-1/s`` times the log-odds of the own caption among ``others``; for large ``s`` it is the cosine
    to the nearest other caption minus that to the own one. A *step along its gradient* raises it: images go
    over to captions that must stay. What all captions have in common cancels: adding one vector to ``text``
    and ``others`` changes no gradient of the image tower. In ``pair_cosine_loss`` that common part is in the
    gradient, though moving away from it makes nothing harder to recognise.

    Args:
        image: Unit image embeddings ``(B, D)``.
        text: Unit caption embeddings ``(B, D)``, row by row the captions of ``image``.
        others: Unit embeddings ``(K, D)`` of captions that must stay.
        scale: Inverse temperature ``s``, already exponentiated; positive.

    Returns:
        Scalar in ``[-2 B, B (2 + log(K) / s)]``.

    Example:
        >>> own, other = torch.eye(2)[:1], torch.eye(2)[1:]
        >>> contrast_loss(own, own, other, 10.0).item(), contrast_loss(other, own, other, 10.0).item()
        (-1.0, 1.0)
    """
    nearest = torch.logsumexp(scale * image @ others.T, dim=-1) / scale
    return (nearest - (image * text).sum(dim=-1)).sum()


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
