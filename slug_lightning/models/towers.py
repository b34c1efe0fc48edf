"""Towers cut into stages, so that an edit re-runs only what comes after it.

A tower is a chain of stages: the stem (stage 0), one stage per block (1 ... L), and the head (L + 1:
pooling, projection, normalisation). The stages before an edited layer run once, those from it on once per
edit; together they equal the model's own ``encode_image`` / ``encode_text`` bit for bit, because they call
the same modules in the same order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.transformer import TextTransformer, Transformer, VisionTransformer, text_global_pool
from torch import Tensor, nn

from slug_lightning.models.layers import TowerName
from slug_lightning.models.pooled import can_pool_early, last_block


@dataclass(frozen=True)
class State:
    """What one stage hands to the next: activations, and the token ids that text pooling needs."""

    value: Tensor
    tokens: Tensor | None = None


Stage = Callable[[State], State]


@dataclass(frozen=True)
class Tower:
    """One encoder as a chain of stages.

    Attributes:
        name: ``vision`` or ``text``.
        stages: The chain; the last one gives unit embeddings ``(B, D)`` in float32.
        blocks: Prefix of the block names, e.g. ``visual.transformer.resblocks.``; empty if not cut.
        head: Names (or prefixes ending in a dot) of the layers of the last stage.
        trim: Whether token ids may be cut after the longest caption (causal attention, pooling at its end).
        ending: The last block and the head for the pooled token alone, if the tower pools one token.
    """

    name: TowerName
    stages: tuple[Stage, ...]
    blocks: str = ""
    head: tuple[str, ...] = ()
    trim: bool = False
    ending: Stage | None = None

    def stage_of(self, layer: str) -> int:
        """Index of the stage that uses a layer; 0 for the stem and for towers that are not cut."""
        if self.blocks and layer.startswith(self.blocks):
            return 1 + int(layer.removeprefix(self.blocks).split(".", 1)[0])
        if any(layer == name or (name[-1] == "." and layer.startswith(name)) for name in self.head):
            return len(self.stages) - 1
        return 0

    def start(self, inputs: Tensor) -> State:
        """State before stage 0: images ``(B, 3, H, W)`` or token ids ``(B, T)``."""
        return State(inputs, None if self.name == "vision" else inputs)

    def advance(self, state: State, first: int, stop: int) -> State:
        """Run stages ``first`` to ``stop - 1``."""
        for stage in self.stages[first:stop]:
            state = stage(state)
        return state

    def finish(self, state: State, first: int) -> Tensor:
        """Run the stages from ``first`` to the end: unit embeddings ``(B, D)``, float32."""
        return self.advance(state, first, len(self.stages)).value

    def __call__(self, inputs: Tensor) -> Tensor:
        """Unit embeddings ``(B, D)`` of images or token ids, float32."""
        if self.trim:
            inputs = trim_tokens(inputs)
        return self.finish(self.start(inputs), 0)

    def pooled(self, inputs: Tensor) -> Tensor:
        """Unit embeddings ``(B, D)`` as of ``self(inputs)``, without the work that reaches no embedding.

        Equal up to rounding, gradients included; ``self(inputs)`` is what equals the model bit for bit.
        """
        if self.ending is None:
            return self(inputs)
        state = self.start(trim_tokens(inputs) if self.trim else inputs)
        return self.ending(self.advance(state, 0, len(self.stages) - 2)).value

    def by_length(self, tokens: Tensor, parts: int = 4, least: int = 8) -> Tensor:
        """Unit embeddings ``(B, D)`` of captions, encoded in parts of like length: less padding is encoded.

        Equal to ``self(tokens)`` up to rounding, gradients included.

        Args:
            tokens: Token ids ``(B, T)``.
            parts: At most so many parts.
            least: At least so many captions in a part.
        """
        size = max(least, -(-len(tokens) // parts))
        if not self.trim or size >= len(tokens):
            return self.pooled(tokens)
        order = tokens.argmax(dim=-1).argsort(stable=True)
        embeddings = torch.cat([self.pooled(part) for part in tokens[order].split(size)])  # type: ignore[no-untyped-call]
        return embeddings[order.argsort()]


def trim_tokens(tokens: Tensor) -> Tensor:
    """Cut the padding after the longest caption; the end-of-text token has the highest id.

    Example:
        >>> import torch
        >>> trim_tokens(torch.tensor([[8, 1, 9, 0, 0], [8, 9, 0, 0, 0]]))
        tensor([[8, 1, 9],
                [8, 9, 0]])
    """
    if len(tokens) == 0:
        return tokens
    return tokens[:, : int(tokens.argmax(dim=-1).max()) + 1]


def vision_tower(model: nn.Module) -> Tower:
    """The vision tower of an open_clip model; cut into blocks if it is open_clip's own ViT."""
    visual = model.visual
    assert isinstance(visual, nn.Module)
    if not (isinstance(visual, VisionTransformer) and _plain(visual.transformer)):
        return Tower("vision", (lambda s: State(_unit(visual(s.value))),))

    def stem(state: State) -> State:
        return State(visual._embeds(state.value))

    def project(pooled: Tensor) -> State:
        return State(_unit(pooled if visual.proj is None else pooled @ visual.proj))

    def head(state: State) -> State:
        return project(visual._pool(state.value)[0])

    def ending(state: State) -> State:
        first = state.value.new_zeros(len(state.value), dtype=torch.long)
        return project(visual.ln_post(last_block(blocks[-1], state.value, first, causal=False)))

    blocks = visual.transformer.resblocks
    stages = (stem, *(_block(block) for block in blocks), head)
    one = visual.attn_pool is None and visual.pool_type == "tok" and can_pool_early(blocks[-1])
    pooling = (
        "visual.ln_post.",
        "visual.proj",
        "visual.attn_pool.",
        "visual.attn_pool_contrastive.",
    )
    return Tower("vision", stages, "visual.transformer.resblocks.", pooling, ending=ending if one else None)


def text_tower(model: nn.Module) -> Tower:
    """The text tower of an open_clip model; cut into blocks if it is open_clip's own transformer."""
    if isinstance(model, CLIP) and _plain(model.transformer):
        return _causal_text(model, "")
    text = getattr(model, "text", None)
    if isinstance(model, CustomTextCLIP) and isinstance(text, TextTransformer) and _maskless(text):
        return _causal_text(text, "text.")
    encode = model.encode_text
    assert callable(encode)
    return Tower("text", (lambda s: State(_unit(encode(s.value)), s.tokens),))


def _causal_text(text: Any, prefix: str) -> Tower:
    """open_clip's text transformer, whether its parts hang on the model itself or on ``model.text``."""
    mask, transformer = text.attn_mask, text.transformer
    assert isinstance(transformer, Transformer)
    pool = text.pool_type if isinstance(text, TextTransformer) else text.text_pool_type
    eos = text.eos_id if isinstance(text, TextTransformer) else text.text_eos_id

    def stem(state: State) -> State:
        dtype = transformer.get_cast_dtype()
        length = state.value.shape[1]
        x = text.token_embedding(state.value).to(dtype)
        return State(x + text.positional_embedding[:length].to(dtype), state.tokens)

    def block(module: nn.Module) -> Stage:
        def run(state: State) -> State:
            length = state.value.shape[1]
            # The buffer moves with the model, so it is looked up at each call.
            visible = None if mask is None else text.attn_mask[:length, :length]
            return State(module(state.value, attn_mask=visible), state.tokens)

        return run

    def project(x: Tensor, tokens: Tensor | None) -> State:
        projection = text.text_projection
        if projection is not None:
            x = projection(x) if isinstance(projection, nn.Linear) else x @ projection
        return State(_unit(x), tokens)

    def head(state: State) -> State:
        x = text_global_pool(text.ln_final(state.value), state.tokens, pool, eos_token_id=eos)
        return project(x, state.tokens)

    def ending(state: State) -> State:
        assert state.tokens is not None
        end = state.tokens.argmax(dim=-1)
        return project(text.ln_final(last_block(blocks[-1], state.value, end, causal=True)), state.tokens)

    blocks = transformer.resblocks
    stages = (stem, *(block(module) for module in blocks), head)
    names = (f"{prefix}ln_final.", f"{prefix}text_projection", f"{prefix}text_projection.")
    # Beyond the end-of-text token causal attention cannot look ahead, so padding may be cut.
    trim = mask is not None and pool == "argmax"
    one = trim and can_pool_early(blocks[-1])
    return Tower(
        "text", stages, f"{prefix}transformer.resblocks.", names, trim, ending=ending if one else None
    )


def _block(module: nn.Module) -> Stage:
    return lambda state: State(module(state.value), state.tokens)


def _plain(transformer: object) -> bool:
    """Whether the blocks can be called one by one: batch first, no checkpointing."""
    return (
        isinstance(transformer, Transformer)
        and transformer.batch_first
        and not transformer.grad_checkpointing
    )


def _maskless(text: TextTransformer) -> bool:
    return _plain(text.transformer) and text.cls_emb is None and not text.use_pad_mask


def _unit(embedding: Tensor) -> Tensor:
    return F.normalize(embedding.float(), dim=-1)
