"""Zero-shot classification: class embeddings from prompts, and the rank of the true class."""

import torch
import torch.nn.functional as F
from torch import Tensor


def class_embeddings(prompts: Tensor) -> Tensor:
    """One unit vector per class: the normalised mean of its unit prompt embeddings.

    Args:
        prompts: Prompt embeddings ``(C, T, D)``: classes, templates, dimensions; any length.

    Returns:
        Unit vectors ``(C, D)``.

    Source:
        Radford et al. 2021 (arXiv 2103.00020), prompt ensembling in embedding space.
    """
    return F.normalize(F.normalize(prompts, dim=-1).mean(dim=-2), dim=-1)


def true_class_rank(logits: Tensor, labels: Tensor) -> Tensor:
    """Number of classes that score better than the true one: 0 means top-1 correct.

    Equal scores are ordered by class index, as ``argmax`` does. A row that holds NaN or infinity has no
    ranking; its rank is the number of classes, so it never counts as a hit.

    Args:
        logits: Scores ``(B, C)``.
        labels: True class indices ``(B,)``.

    Returns:
        Integers ``(B,)`` in ``[0, C]``.

    Example:
        >>> true_class_rank(torch.tensor([[0.1, 0.7, 0.7]]), torch.tensor([2]))
        tensor([1])
    """
    true = logits.gather(1, labels[:, None])
    earlier = torch.arange(logits.shape[1], device=labels.device) < labels[:, None]
    rank = ((logits > true) | ((logits == true) & earlier)).sum(dim=1)
    return rank.where(logits.isfinite().all(dim=1), logits.shape[1])


def with_margin(scores: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Scores in which the true class has a head start: it counts as recognised although others lead a little.

    Args:
        scores: Cosines ``(B, C)``.
        labels: True class indices ``(B,)``.
        margin: What is added to the true class, in units of the scores.

    Example:
        >>> scores = torch.tensor([[0.30, 0.33]])
        >>> true_class_rank(scores, torch.tensor([0])), true_class_rank(
        ...     with_margin(scores, torch.tensor([0]), 0.05), torch.tensor([0])
        ... )
        (tensor([1]), tensor([0]))
    """
    return scores.scatter_add(1, labels[:, None], torch.full_like(scores[:, :1], margin))


def most_recognised(scores: Tensor, labels: Tensor) -> Tensor:
    """Of several sets of scores, for each image the one in which its true class leads most.

    Whether an image is recognised in these is whether it is recognised in any. A row with NaN or infinity is
    taken first, so that a broken model is noticed.

    Args:
        scores: ``(S, B, C)``: sets, images, classes.
        labels: True class indices ``(B,)``.

    Returns:
        Scores ``(B, C)``.

    Example:
        >>> scores = torch.tensor([[[0.1, 0.3]], [[0.5, 0.3]]])
        >>> most_recognised(scores, torch.tensor([0]))
        tensor([[0.5000, 0.3000]])
    """
    index = labels[None, :, None].expand(len(scores), -1, 1)
    own = scores.gather(2, index)
    others = scores.scatter(2, index, -torch.inf).amax(dim=2, keepdim=True)
    lead = torch.where(scores.isfinite().all(dim=2), (own - others).squeeze(2), torch.inf)
    best = lead.argmax(dim=0)
    return scores[best, torch.arange(len(labels), device=scores.device)]
