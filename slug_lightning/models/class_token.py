"""A vision tower whose gradients flow through patch tokens alone, which is what LLaVA reads."""

from dataclasses import replace

import torch
from open_clip.transformer import VisionTransformer
from torch import nn

from slug_lightning.errors import SettingError
from slug_lightning.models.stages import Stage, State, Tower


def through_patch_tokens(tower: Tower, model: nn.Module, blocks: int) -> Tower:
    r"""The same embeddings; their gradients hold the class token fixed where the host reads.

    A CLIP compares captions with its class token; LLaVA reads the patch tokens :math:`P` that leave block
    number ``blocks - 1`` and drops the class token :math:`c`. With the embedding :math:`v(c, P)`, which the
    blocks behind compute, a layer :math:`\theta` before them has

    .. math:: \frac{dv}{d\theta} = \frac{\partial v}{\partial c} \frac{dc}{d\theta}
        + \frac{\partial v}{\partial P} \frac{dP}{d\theta}

    and most of the first term never reaches the host. This tower has the second term alone.

    Args:
        tower: Vision tower of ``model``.
        model: open_clip model with a class token.
        blocks: How many blocks the host reads; at least one more must follow.

    Raises:
        SettingError: If the tower has no class token, or the host reads all of its blocks.
    """
    visual = model.visual
    last = len(tower.stages) - 2
    if not isinstance(visual, VisionTransformer) or visual.pool_type != "tok" or tower.ending is None:
        raise SettingError(
            f"Expected a ViT that pools its class token for model.gradient_through patch_tokens, but got "
            f"{type(visual).__name__}. Leave it at all."
        )
    if not 1 <= blocks < last:
        raise SettingError(
            f"Expected a host that reads 1 to {last - 1} of {last} vision blocks for model.gradient_through "
            f"patch_tokens, but it reads {blocks}: its patch tokens reach no embedding. Leave it at all."
        )
    stages = list(tower.stages)
    inner = stages[blocks]  # stage 0 is the stem
    stages[blocks] = Stage(lambda state: _hold(inner(state)), inner.layers)
    return replace(tower, stages=tuple(stages))


def _hold(state: State) -> State:
    tokens = state.value
    return replace(state, value=torch.cat([tokens[:, :1].detach(), tokens[:, 1:]], dim=1))
