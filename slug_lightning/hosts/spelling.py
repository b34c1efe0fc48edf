"""How transformers writes each canonical layer: names, fused and split weights, transposed projections.

This is the only place that knows both spellings. open_clip fuses query, key and value into one matrix of
``(3 * width, width)``, transformers keeps three; open_clip multiplies by a projection of ``(width, embed)``
from the right, transformers keeps it as the weight of a linear layer, ``(embed, width)``.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from slug_lightning.errors import LayerNotFoundError, closest
from slug_lightning.models.layers import TowerName, tower_of


@dataclass(frozen=True)
class Piece:
    """One tensor of a host that holds a layer, or one of the equal parts of a layer.

    Attributes:
        name: The tensor's name in the host.
        part: Which part of the canonical weight it holds, counted along its first axis.
        parts: Into how many parts the host splits the layer.
        transposed: Whether the host keeps the transpose.
    """

    name: str
    part: int = 0
    parts: int = 1
    transposed: bool = False


_QKV = ("self_attn.q_proj.{}", "self_attn.k_proj.{}", "self_attn.v_proj.{}")

# Within one block: open_clip's name -> transformers' names, in the order in which open_clip stacks them.
_BLOCK: dict[str, tuple[str, ...]] = {
    "ln_1.weight": ("layer_norm1.weight",),
    "ln_1.bias": ("layer_norm1.bias",),
    "attn.in_proj_weight": tuple(name.format("weight") for name in _QKV),
    "attn.in_proj_bias": tuple(name.format("bias") for name in _QKV),
    "attn.out_proj.weight": ("self_attn.out_proj.weight",),
    "attn.out_proj.bias": ("self_attn.out_proj.bias",),
    "ln_2.weight": ("layer_norm2.weight",),
    "ln_2.bias": ("layer_norm2.bias",),
    "mlp.c_fc.weight": ("mlp.fc1.weight",),
    "mlp.c_fc.bias": ("mlp.fc1.bias",),
    "mlp.c_proj.weight": ("mlp.fc2.weight",),
    "mlp.c_proj.bias": ("mlp.fc2.bias",),
}

# Outside of the blocks, relative to the tower.
_AROUND: dict[TowerName, dict[str, str]] = {
    "text": {
        "token_embedding.weight": "embeddings.token_embedding.weight",
        "positional_embedding": "embeddings.position_embedding.weight",
        "ln_final.weight": "final_layer_norm.weight",
        "ln_final.bias": "final_layer_norm.bias",
    },
    "vision": {
        "visual.class_embedding": "embeddings.class_embedding",
        "visual.conv1.weight": "embeddings.patch_embedding.weight",
        "visual.positional_embedding": "embeddings.position_embedding.weight",
        "visual.ln_pre.weight": "pre_layrnorm.weight",
        "visual.ln_pre.bias": "pre_layrnorm.bias",
        "visual.ln_post.weight": "post_layernorm.weight",
        "visual.ln_post.bias": "post_layernorm.bias",
    },
}

# Beside the tower, never inside of it; kept transposed.
_PROJECTION: dict[TowerName, tuple[str, str]] = {
    "text": ("text_projection", "text_projection.weight"),
    "vision": ("visual.proj", "visual_projection.weight"),
}
SCALE = "logit_scale"

_CANONICAL_BLOCK = re.compile(r"^(?:visual\.)?transformer\.resblocks\.(\d+)\.(.+)$")


def plain_name(layer: str) -> str:
    """Canonical name without the level that open_clip's custom-text models add.

    Example:
        >>> plain_name("text.transformer.resblocks.0.mlp.c_fc.weight")
        'transformer.resblocks.0.mlp.c_fc.weight'
    """
    return layer.removeprefix("text.")


def block_of(layer: str) -> int | None:
    """Number of the block that a canonical layer is in; ``None`` outside of the blocks.

    Example:
        >>> block_of("visual.transformer.resblocks.11.ln_1.weight"), block_of("visual.proj")
        (11, None)
    """
    match = _CANONICAL_BLOCK.match(plain_name(layer))
    return int(match[1]) if match else None


def is_projection(layer: str) -> bool:
    """Whether a canonical layer projects into the space that images and captions share."""
    return plain_name(layer) == _PROJECTION[tower_of(layer)][0]


def is_final_norm(layer: str) -> bool:
    """Whether a canonical layer is the normalisation behind the last block."""
    return plain_name(layer).startswith(("visual.ln_post.", "ln_final."))


def has_spelling(layer: str) -> bool:
    """Whether transformers' CLIP has a counterpart of a canonical layer.

    Example:
        >>> has_spelling("visual.conv1.weight"), has_spelling("visual.trunk.blocks.0.attn.qkv.weight")
        (True, False)
    """
    try:
        return bool(spell(layer))
    except LayerNotFoundError:
        return False


def spell(layer: str, trunk: str = "") -> tuple[Piece, ...]:
    """The tensors that hold a canonical layer in a transformers CLIP.

    Args:
        layer: Canonical name.
        trunk: What comes before ``embeddings.`` and ``encoder.`` in the host's names, e.g. ``text_model.``.

    Raises:
        LayerNotFoundError: If transformers' CLIP has no such layer.

    Example:
        >>> [piece.name for piece in spell("transformer.resblocks.9.attn.in_proj_bias")][0]
        'encoder.layers.9.self_attn.q_proj.bias'
        >>> spell("visual.proj", "vision_model.")
        (Piece(name='visual_projection.weight', part=0, parts=1, transposed=True),)
    """
    tower, name = tower_of(layer), plain_name(layer)
    if name == SCALE:
        return (Piece(SCALE),)
    if name == _PROJECTION[tower][0]:
        return (Piece(_PROJECTION[tower][1], transposed=True),)
    if name in _AROUND[tower]:
        return (Piece(trunk + _AROUND[tower][name]),)
    match = _CANONICAL_BLOCK.match(name)
    if match and match[2] in _BLOCK:
        prefix, parts = f"{trunk}encoder.layers.{match[1]}.", _BLOCK[match[2]]
        return tuple(Piece(prefix + part, i, len(parts)) for i, part in enumerate(parts))
    known = list(canonical_layers(tower, (block_of(layer) or 0) + 1))
    msg = (
        f"Layer {layer!r} has no counterpart in transformers' CLIP, so no host of it can be patched. "
        f"Closest: {closest(name, known)}."
    )
    raise LayerNotFoundError(msg)


def canonical_layers(tower: TowerName, blocks: int) -> Iterator[str]:
    """Canonical names of all layers of a tower that have a spelling, ``logit_scale`` left out."""
    yield from _AROUND[tower]
    start = "visual." if tower == "vision" else ""
    for i in range(blocks):
        yield from (f"{start}transformer.resblocks.{i}.{name}" for name in _BLOCK)
    yield _PROJECTION[tower][0]


def count_blocks(names: Mapping[str, object], trunk: str) -> int:
    """Number of blocks among the names of a host; 0 if there is no tower under ``trunk``.

    Example:
        >>> count_blocks({"encoder.layers.0.self_attn.q_proj.weight": None}, "")
        1
    """
    found = re.compile(rf"^{re.escape(trunk)}encoder\.layers\.(\d+)\.self_attn\.q_proj\.weight$")
    return len({match[1] for match in map(found.match, names) if match})


def gather(pieces: tuple[Piece, ...], get: Callable[[str], Tensor]) -> Tensor:
    """The canonical weight, put together from a host's tensors; for one plain piece the tensor itself.

    Args:
        pieces: What ``spell`` gave.
        get: Gives a tensor of the host by name.
    """
    tensors = [get(piece.name).detach() for piece in pieces]
    tensors = [t.T if p.transposed else t for t, p in zip(tensors, pieces, strict=True)]
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors)


def split(weight: Tensor, pieces: tuple[Piece, ...]) -> dict[str, Tensor]:
    """A canonical weight as the host's tensors, by their names; the inverse of ``gather``."""
    parts = {piece.name: weight.chunk(piece.parts)[piece.part] for piece in pieces}
    return {p.name: (parts[p.name].T if p.transposed else parts[p.name]).contiguous() for p in pieces}
