"""The last block for the pooled token alone: what it computes for the others reaches no embedding."""

import math

import torch
import torch.nn.functional as F
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn


def can_pool_early(block: nn.Module) -> bool:
    """Whether ``last_block`` knows this kind of block."""
    return type(block) is ResidualAttentionBlock and not hasattr(block, "ln_1_kv")


def last_block(block: nn.Module, x: Tensor, positions: Tensor, causal: bool) -> Tensor:
    """What a block gives at one position of each row; all positions are seen by its attention.

    Equal to ``block(x, mask)[arange(B), positions]`` up to rounding, gradients included. None of the twelve
    ``width x width`` products that a block makes for each token are left.

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
    hidden = torch.arange(x.shape[1], device=x.device) > positions[:, None] if causal else None
    normed = block.ln_1(x)
    seen = _attend(block.attn, normed[rows, positions], normed, hidden)
    token: Tensor = x[rows, positions] + block.ls_1(seen)
    done: Tensor = token + block.ls_2(block.mlp(block.ln_2(token)))
    return done


def _attend(attention: nn.MultiheadAttention, asking: Tensor, x: Tensor, hidden: Tensor | None) -> Tensor:
    """Self-attention of one token per row, ``(B, W)``, to all of ``x``, but ``hidden`` ones.

    With one query, ``q . (K x)`` is cheaper as ``(K' q) . x``, and a mean of ``V x`` as ``V`` of the mean.
    The bias of the keys adds the same to all scores, which softmax ignores.
    """
    heads, width = attention.num_heads, x.shape[-1]
    to_query, to_key, to_value = attention.in_proj_weight.chunk(3)
    query_bias, _, value_bias = attention.in_proj_bias.chunk(3)
    query = F.linear(asking, to_query, query_bias).reshape(len(x), heads, -1)
    asked = torch.einsum("bhd,hdw->bhw", query, to_key.reshape(heads, -1, width))
    scores = asked @ x.transpose(1, 2) / math.sqrt(query.shape[-1])
    if hidden is not None:
        scores = scores.masked_fill(hidden[:, None], float("-inf"))
    mean = scores.float().softmax(dim=-1).to(x.dtype) @ x
    value = torch.einsum("bhw,hdw->bhd", mean, to_value.reshape(heads, -1, width)).flatten(1)
    out: Tensor = attention.out_proj(value + value_bias)
    return out
