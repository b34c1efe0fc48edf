"""Batches on which an attacker trains a patched miniature LLaVA again, and their losses."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from slug_lightning.errors import BadDataError, SettingError
from slug_lightning.miniature.diffusion.drawings import Drawings
from slug_lightning.miniature.llava.chat import LABELS
from slug_lightning.miniature.llava.training import answer_loss, normalised, read_features, said


def batch_rows(shows: Tensor, pairs: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Endless batches of rows: some of the first ``pairs`` that show the concept, then others.

    Args:
        shows: Whether each drawing shows the concept, ``(N,)``.
        pairs: Drawings of the concept that there are; 0 for none.
        batch_size: Rows a batch; at most half of them show the concept.
        seed: Of the draws.

    Raises:
        BadDataError: If there are fewer drawings of the concept than ``pairs``, or too few others.
        SettingError: If a number is out of range.
    """
    if pairs < 0 or batch_size < 2:
        raise SettingError(
            f"Expected pairs of at least 0 and batch_size of at least 2, but got {pairs} and {batch_size}."
        )
    concept, others = (rows.nonzero().flatten() for rows in (shows, ~shows))
    if pairs > len(concept) or batch_size > len(others):
        raise BadDataError(
            f"Expected {pairs} training drawings of the concept and {batch_size} others, but there are "
            f"{len(concept)} and {len(others)}. Lower relearning.pairs or relearning.batch_size."
        )
    return _draw(concept[:pairs], others, min(pairs, batch_size // 2), batch_size, seed)


def _draw(concept: Tensor, others: Tensor, own: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        some = concept[torch.randperm(len(concept), generator=generator)[:own]]
        rest = others[torch.randperm(len(others), generator=generator)[: batch_size - own]]
        yield torch.cat([some, rest])


def lesson_losses(host: Any, processor: Any, drawings: Drawings, rows: Iterator[Tensor]) -> Iterator[Tensor]:
    """Mean cross-entropy of the right answers to both questions, one batch after the other.

    The whole host takes part, the vision tower as well: gradients reach what requires them.

    Args:
        host: Miniature LLaVA.
        processor: As of ``new_processor``.
        drawings: Pictures with both labels.
        rows: Of the batches.
    """
    tokens, start = said(processor)
    truth = torch.stack([drawings.digits, drawings.styles])
    for some in rows:
        features = read_features(host, normalised(drawings.pixels(some)).to(host.device))
        right = [tokens[label, truth[label, some]].to(host.device) for label in range(len(LABELS))]
        losses = [answer_loss(host, answers, start, features) for answers in right]
        yield torch.stack(losses).mean()
