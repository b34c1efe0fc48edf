"""The last block for the pooled token alone: what it computes for the others reaches no embedding."""

import torch
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn


def can_pool_early(block: nn.Module) -> bool:
    """Whether ``last_block`` knows this kind of block."""
    return type(block) is ResidualAttentionBlock and not hasattr(block, "ln_1_kv")


def last_block(block: nn.Module, x: Tensor, positions: Tensor, causal: bool) -> Tensor:
    """What a block gives at one position of each row; all positions are seen by its attention.

    Equal to ``block(x, mask)[arange(B), positions]`` up to rounding, gradients included. Of the twelve
    ``width x width`` products a block makes for each token, the keys and values are left.

    Args:
        block: Pre-norm attention block that ``can_pool_early``.
        x: Its input ``(B, T, W)``.
        positions: Position ``(B,)`` in each row.
        causal: Whether a token sees only those up to itself.

    Returns:
        Rows ``(B, W)``.
    """
    assert isinstance(block, ResidualAttentionBlock)
    rows = torch.arange(len(x), device=x.device)
    normed = block.ln_1(x)
    hidden = torch.arange(x.shape[1], device=x.device) > positions[:, None] if causal else None
    query = normed[rows, positions][:, None]
    seen, _ = block.attn(query, normed, normed, key_padding_mask=hidden, need_weights=False)
    token: Tensor = x[rows, positions] + block.ls_1(seen[:, 0])
    done: Tensor = token + block.ls_2(block.mlp(block.ln_2(token)))
    return done
