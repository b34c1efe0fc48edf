"""An open_clip CLIP as a CLIP of transformers, whole or one tower."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from slug_lightning.errors import HostError
from slug_lightning.hosts.activation import activation_of
from slug_lightning.hosts.live import live_sites
from slug_lightning.hosts.site import Site
from slug_lightning.hosts.spelling import block_of, has_spelling, plain_name, split
from slug_lightning.models.layers import TowerName, tower_of

Kind = Literal[
    "CLIPModel",
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "CLIPVisionModel",
    "CLIPVisionModelWithProjection",
]


def to_transformers(model: nn.Module, kind: Kind = "CLIPModel") -> nn.Module:
    """The same CLIP, or one tower of it, as transformers has it; embeddings are equal up to rounding.

    Args:
        model: open_clip model with plain transformer towers.
        kind: Class of transformers to make.

    Returns:
        A new model in evaluation mode, with copies of the weights, in their dtype.

    Raises:
        HostError: If the towers have something that transformers' CLIP does not.
    """
    import transformers

    made: nn.Module = getattr(transformers, kind)(_config(model, kind))
    made = made.to(next(model.parameters()).dtype).eval()
    for site in live_sites(made):
        fill_(site, model)
    if kind == "CLIPModel":
        with torch.no_grad():
            made.get_parameter("logit_scale").copy_(model.get_parameter("logit_scale"))
    return made


def _config(model: nn.Module, kind: Kind) -> Any:
    import transformers

    if not kind.startswith("CLIPVision"):
        _check_convertible(model, "text")
    if not kind.startswith("CLIPText"):
        _check_convertible(model, "vision")
    if kind.startswith("CLIPText"):
        return transformers.CLIPTextConfig(**text_settings(model))
    if kind.startswith("CLIPVision"):
        return transformers.CLIPVisionConfig(**vision_settings(model))
    text = text_settings(model)
    return transformers.CLIPConfig(
        text_config=text, vision_config=vision_settings(model), projection_dim=text["projection_dim"]
    )


@torch.no_grad()
def fill_(site: Site, model: nn.Module) -> None:
    """Copy the weights of an open_clip tower into a host, layer by layer that the host has.

    Args:
        site: Where to; it is changed.
        model: Where from; a tower with more blocks than the host gives its first ones.

    Raises:
        HostError: If the tower lacks a layer of the host, or its shape is another.
    """
    weights = {plain_name(name): weight for name, weight in model.named_parameters()}
    for layer in site.layers():
        pieces = site.pieces(layer)
        if layer not in weights:
            raise HostError(f"{site.name} has layer {layer!r}, but the open_clip model does not.")
        if site.weight(layer).shape != weights[layer].shape:
            msg = (
                f"Layer {layer!r} has shape {tuple(site.weight(layer).shape)} in {site.name}, but "
                f"{tuple(weights[layer].shape)} in the open_clip model. Build the host from its settings."
            )
            raise HostError(msg)
        for name, part in split(weights[layer], pieces).items():
            site.tensors[name].copy_(part)


@torch.no_grad()
def take_(model: nn.Module, site: Site) -> None:
    """Copy the weights of a host's tower into an open_clip model; the inverse of ``fill_``.

    Args:
        model: Where to; it is changed. What the host does not have stays.
        site: Where from.

    Raises:
        HostError: If the model lacks a layer of the host, or its shape is another.
    """
    weights = {plain_name(name): weight for name, weight in model.named_parameters()}
    for layer in site.layers():
        weight = site.weight(layer)
        if layer not in weights or weights[layer].shape != weight.shape:
            found = tuple(weights[layer].shape) if layer in weights else "no such layer"
            msg = (
                f"{site.name} has layer {layer!r} of shape {tuple(weight.shape)}, but the open_clip model "
                f"has {found}. Take the architecture that the host is built on (docs/hosts.md)."
            )
            raise HostError(msg)
        weights[layer].copy_(weight)


def text_settings(model: nn.Module) -> dict[str, Any]:
    """Arguments of ``CLIPTextConfig`` for the text tower of an open_clip model."""
    weights = _tower(model, "text")
    vocabulary, width = weights["token_embedding.weight"].shape
    return {
        **_block_settings(model, weights, "text", ""),
        "hidden_size": width,
        "vocab_size": vocabulary,
        "max_position_embeddings": len(weights["positional_embedding"]),
        # open_clip's tokenizer ends with start and end of text; its pooling looks for the highest id.
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
        "pad_token_id": vocabulary - 1,
        "projection_dim": weights["text_projection"].shape[1],
    }


def vision_settings(model: nn.Module) -> dict[str, Any]:
    """Arguments of ``CLIPVisionConfig`` for the vision tower of an open_clip model."""
    weights = _tower(model, "vision")
    width, _, _, patch = weights["visual.conv1.weight"].shape
    size = model.visual.image_size  # type: ignore[union-attr]
    return {
        **_block_settings(model, weights, "vision", "visual."),
        "hidden_size": width,
        "patch_size": patch,
        "image_size": size[0] if isinstance(size, tuple) else size,
        "projection_dim": weights["visual.proj"].shape[1],
    }


def _tower(model: nn.Module, tower: TowerName) -> Mapping[str, Tensor]:
    return {plain_name(name): w for name, w in model.named_parameters() if tower_of(name) == tower}


def _block_settings(
    model: nn.Module, weights: Mapping[str, Tensor], tower: TowerName, start: str
) -> dict[str, Any]:
    return {
        "intermediate_size": len(weights[f"{start}transformer.resblocks.0.mlp.c_fc.weight"]),
        "num_hidden_layers": 1 + max(block_of(name) or 0 for name in weights),
        "num_attention_heads": _transformer(model, tower).resblocks[0].attn.num_heads,
        "hidden_act": activation_of(model, tower),
        "layer_norm_eps": 1e-5,
    }


def _transformer(model: nn.Module, tower: TowerName) -> Any:
    owner: Any = model.visual if tower == "vision" else getattr(model, "text", model)
    return owner.transformer


def _check_convertible(model: nn.Module, tower: TowerName) -> None:
    """Refuse what transformers' CLIP computes otherwise or not at all."""
    strange = [n for n in _tower(model, tower) if not has_spelling(n)]
    if strange:
        msg = (
            f"transformers' CLIP has no {strange[0]!r} ({len(strange)} such layers); only plain ViTs can be "
            "converted."
        )
        raise HostError(msg)
    pooling, wanted = _pooling(model, tower), "tok" if tower == "vision" else "argmax"
    if pooling != wanted or activation_of(model, tower) is None:
        msg = (
            f"Expected a {tower} tower with {wanted!r} pooling and GELU or QuickGELU, but got {pooling!r} "
            f"and {activation_of(model, tower)}; it cannot be converted."
        )
        raise HostError(msg)


def _pooling(model: nn.Module, tower: TowerName) -> str:
    visual, owner = model.visual, getattr(model, "text", model)
    if tower == "vision":
        after = " before the final normalisation" if getattr(visual, "final_ln_after_pool", False) else ""
        return f"{getattr(visual, 'pool_type', None)}{after}"
    return str(getattr(owner, "text_pool_type", None) or getattr(owner, "pool_type", None))
