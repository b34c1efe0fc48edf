"""The towers of a CLIP as chains of stages; see ``stages``."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from open_clip.model import CLIP
from open_clip.transformer import TextTransformer, Transformer, VisionTransformer, text_global_pool
from torch import Tensor, nn

from slug_lightning.models.pooled import can_pool_early, last_block
from slug_lightning.models.stages import Stage, State, Tower, each, highest, unit
from slug_lightning.models.trunks import trunk_stages


def vision_tower(model: nn.Module) -> Tower:
    """The vision tower of an open_clip model; one stage if its blocks cannot be run one by one."""
    visual = model.visual
    assert isinstance(visual, nn.Module)
    if isinstance(visual, VisionTransformer) and _plain(visual.transformer):
        return _vision_transformer(visual)
    encode = model.encode_image
    assert callable(encode)
    whole = Stage(lambda state: State(unit(encode(state.value, normalize=False))))
    return Tower("vision", trunk_stages(visual) or (whole,))


def _vision_transformer(visual: VisionTransformer) -> Tower:
    def stem(state: State) -> State:
        return State(visual._embeds(state.value))

    def project(pooled: Tensor) -> State:
        return State(unit(pooled if visual.proj is None else pooled @ visual.proj))

    def head(state: State) -> State:
        return project(visual._pool(state.value)[0])

    def ending(state: State) -> State:
        first = state.value.new_zeros(len(state.value), dtype=torch.long)
        return project(visual.ln_post(last_block(blocks[-1], state.value, first, causal=False)))

    blocks = visual.transformer.resblocks
    pooling = ("visual.ln_post.", "visual.proj", "visual.attn_pool.", "visual.attn_pool_contrastive.")
    stages = (Stage(stem), *each(blocks, "visual.transformer.resblocks."), Stage(head, pooling))
    one = visual.attn_pool is None and visual.pool_type == "tok" and can_pool_early(blocks[-1])
    return Tower("vision", stages, ending=ending if one else None)


def text_tower(model: nn.Module) -> Tower:
    """The text tower of an open_clip model; one stage if it is not open_clip's own transformer."""
    if isinstance(model, CLIP) and _plain(model.transformer):
        return _text(model, "")
    text = getattr(model, "text", None)
    if isinstance(text, TextTransformer) and _plain(text.transformer):
        return (
            _text_with_mask(text) if text.cls_emb is not None or text.use_pad_mask else _text(text, "text.")
        )
    encode = model.encode_text
    assert callable(encode)
    return Tower("text", (Stage(lambda state: State(unit(encode(state.value, normalize=False)))),))


def _text(text: Any, prefix: str) -> Tower:
    """open_clip's text transformer, whether its parts hang on the model itself or on ``model.text``."""
    causal, transformer, blocks = text.attn_mask is not None, text.transformer, text.transformer.resblocks
    pool = text.pool_type if isinstance(text, TextTransformer) else text.text_pool_type
    eos = text.eos_id if isinstance(text, TextTransformer) else text.text_eos_id
    # Beyond the end of the text causal attention cannot look ahead, so padding may be cut.
    end = _ends(pool, eos) if causal else None

    def stem(state: State) -> State:
        dtype, length = transformer.get_cast_dtype(), state.value.shape[1]
        x = text.token_embedding(state.value).to(dtype)
        return State(x + text.positional_embedding[:length].to(dtype), state.tokens)

    def block(module: nn.Module, state: State) -> State:
        length = state.value.shape[1]
        # The buffer moves with the model, so it is looked up at each call.
        visible = text.attn_mask[:length, :length] if causal else None
        return State(module(state.value, attn_mask=visible), state.tokens)

    def head(state: State) -> State:
        x = text_global_pool(text.ln_final(state.value), state.tokens, pool, eos_token_id=eos)
        return State(unit(_project(text, x)), state.tokens)

    def ending(state: State) -> State:
        assert state.tokens is not None
        assert end is not None
        x = last_block(blocks[-1], state.value, end(state.tokens), causal=True)
        return State(unit(_project(text, text.ln_final(x))), state.tokens)

    one = end is not None and can_pool_early(blocks[-1])
    return Tower("text", _chain(stem, block, head, blocks, prefix), end, ending if one else None)


def _text_with_mask(text: TextTransformer) -> Tower:
    """open_clip's text transformer with a class token behind the text (CoCa) or a mask of its padding.

    The class token's position counts the padding, so that none may be cut.
    """

    def stem(state: State) -> State:
        x, mask = text._embeds(state.value)
        return State(x, state.tokens, mask)

    def block(module: nn.Module, state: State) -> State:
        return replace(state, value=module(state.value, attn_mask=state.aside))

    def head(state: State) -> State:
        if text.cls_emb is not None:
            x = text.ln_final(text_global_pool(state.value, pool_type="last"))
        else:
            x = text_global_pool(text.ln_final(state.value), state.tokens, text.pool_type, text.eos_id)
        return State(unit(_project(text, x)), state.tokens)

    return Tower("text", _chain(stem, block, head, text.transformer.resblocks, "text."))


def _chain(
    stem: Callable[[State], State],
    block: Callable[[nn.Module, State], State],
    head: Callable[[State], State],
    blocks: nn.Module,
    prefix: str,
) -> tuple[Stage, ...]:
    names = (f"{prefix}ln_final.", f"{prefix}text_projection", f"{prefix}text_projection.")
    middle = [
        Stage(partial(block, module), (f"{prefix}transformer.resblocks.{number}.",))
        for number, module in blocks.named_children()
    ]
    return (Stage(stem), *middle, Stage(head, names))


def _ends(pool: str, eos: int) -> Callable[[Tensor], Tensor] | None:
    """Where the pooled token of a caption is, if that is for its token ids to say."""
    if pool == "eos":
        return lambda tokens: (tokens == eos).int().argmax(dim=-1)
    return highest if pool == "argmax" else None


def _project(text: Any, x: Tensor) -> Tensor:
    projection = text.text_projection
    if projection is None:
        return x
    projected: Tensor = projection(x) if isinstance(projection, nn.Linear) else x @ projection
    return projected


def _plain(transformer: object) -> bool:
    """Whether the blocks can be called one by one: batch first, no checkpointing."""
    return (
        isinstance(transformer, Transformer)
        and transformer.batch_first
        and not transformer.grad_checkpointing
    )
