"""What the miniature LLaVA makes of single pictures: losses of right answers, features that it reads."""

from typing import Any

import torch
from torch import Tensor

from slug_lightning.miniature.diffusion.drawings import Drawings
from slug_lightning.miniature.llava.chat import LABELS, Label
from slug_lightning.miniature.llava.training import answer_losses, normalised, read_features, said

BATCH = 250  # pictures


@torch.no_grad()
def right_answer_losses(host: Any, processor: Any, drawings: Drawings, label: Label) -> Tensor:
    r"""Loss of the right answer to a question, :math:`-\log p` of all its tokens with the end.

    Args:
        host: Miniature LLaVA.
        processor: As of ``new_processor``.
        drawings: N pictures with both labels.
        label: Which question.

    Returns:
        Shape ``(N,)``, nats, at least 0.
    """
    tokens, start = said(processor)
    truth = drawings.digits if label == "digit" else drawings.styles
    found = []
    for rows in torch.split(torch.arange(len(drawings)), BATCH):
        features = read_features(host, normalised(drawings.pixels(rows)).to(host.device))
        right = tokens[LABELS.index(label), truth[rows]].to(host.device)
        found.append(answer_losses(host, right, start, features).cpu())
    return torch.cat(found)


@torch.no_grad()
def patch_features(host: Any, drawings: Drawings) -> Tensor:
    """What the projector reads of each picture, all patches in a row: ``(N, P * D)``.

    Not their mean: LLaVA reads every patch at its place, so a classifier that is to find whatever is left
    must be given the same.

    Args:
        host: Miniature LLaVA.
        drawings: N pictures.
    """
    found = [
        read_features(host, normalised(drawings.pixels(rows)).to(host.device)).flatten(1).cpu()
        for rows in torch.split(torch.arange(len(drawings)), BATCH)
    ]
    return torch.cat(found)
