"""Image towers that are not open_clip's ViT, as stages: CLIP's ResNet, and timm's ViT, EVA and ConvNeXt.

Each is cut only if the class runs its parts in the order that is known here; a subclass with a forward pass
of its own is run whole.
"""

from dataclasses import replace
from typing import Any

from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from timm.models.convnext import ConvNeXt, ConvNeXtStage
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from slug_lightning.models.stages import Stage, State, each, unit

TRUNK = "visual.trunk."


def trunk_stages(visual: nn.Module) -> tuple[Stage, ...] | None:
    """The stages of an image tower; ``None`` if it can only be run whole."""
    if isinstance(visual, ModifiedResNet):
        return _resnet(visual)
    if type(visual) is not TimmModel:
        return None
    trunk: Any = visual.trunk
    if getattr(trunk, "grad_checkpointing", False):
        return None
    if _runs_as(trunk, VisionTransformer):
        return (_stem(trunk), *each(trunk.blocks, f"{TRUNK}blocks."), _head(visual, "norm"))
    if _runs_as(trunk, Eva):
        return (_rotary_stem(trunk), *_rotary_blocks(trunk), _head(visual, "norm"))
    if _runs_as(trunk, ConvNeXt) and all(_is_plain(stage) for stage in trunk.stages):
        return (Stage(lambda s: State(trunk.stem(s.value))), *_conv_blocks(trunk), _head(visual, "norm_pre"))
    return None


def _runs_as(trunk: nn.Module, kind: Any) -> bool:
    """Whether a trunk is of a class, or of one that runs in the same way."""
    return all(
        getattr(type(trunk), name, None) is getattr(kind, name)
        for name in ("forward", "forward_features", "forward_head")
    )


def _resnet(visual: Any) -> tuple[Stage, ...]:
    blocks = [
        stage
        for layer in ("layer1", "layer2", "layer3", "layer4")
        for stage in each(getattr(visual, layer), f"visual.{layer}.")
    ]
    head = Stage(lambda state: State(unit(visual.attnpool(state.value))), ("visual.attnpool.",))
    return (Stage(lambda state: State(visual.stem(state.value))), *blocks, head)


def _stem(trunk: Any) -> Stage:
    def run(state: State) -> State:
        x = trunk.patch_drop(trunk._pos_embed(trunk.patch_embed(state.value)))
        return State(trunk.norm_pre(x))

    return Stage(run)


def _rotary_stem(trunk: Any) -> Stage:
    def run(state: State) -> State:
        x, rotary = trunk._pos_embed(trunk.patch_embed(state.value))
        return State(trunk.norm_pre(x), aside=rotary)

    return Stage(run)


def _rotary_blocks(trunk: Any) -> list[Stage]:
    by_depth = getattr(trunk, "rope_mixed", False)  # then each block has a rotary embedding of its own

    def stage(number: int, block: nn.Module) -> Stage:
        def run(state: State) -> State:
            aside = state.aside
            rotary = aside[number] if by_depth and aside is not None else aside
            return replace(state, value=block(state.value, rope=rotary))

        return Stage(run, (f"{TRUNK}blocks.{number}.",))

    return [stage(number, block) for number, block in enumerate(trunk.blocks)]


def _is_plain(stage: nn.Module) -> bool:
    return type(stage) is ConvNeXtStage and not stage.grad_checkpointing


def _conv_blocks(trunk: Any) -> list[Stage]:
    stages: list[Stage] = []
    for number, part in enumerate(trunk.stages):
        prefix = f"{TRUNK}stages.{number}."
        down = part.downsample
        stages.append(
            Stage(lambda s, down=down: replace(s, value=down(s.value)), (f"{prefix}downsample.",))  # type: ignore[misc]
        )
        stages += each(part.blocks, f"{prefix}blocks.")
    return stages


def _head(visual: Any, norm: str) -> Stage:
    """Last normalisation, pooling and projections of a timm trunk, and open_clip's projection after it."""
    trunk: Any = visual.trunk

    def run(state: State) -> State:
        x = trunk.forward_head(getattr(trunk, norm)(state.value))
        return State(unit(visual.head(x)))

    parts = (norm, "attn_pool", "fc_norm", "head", "head_drop")
    return Stage(run, (*(f"{TRUNK}{part}." for part in parts), "visual.head."))
