"""Layers by their canonical (open_clip) names: which tower they are in and which may be edited."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from torch import Tensor, nn

from slug_lightning.errors import LayerNotFoundError, SettingError, closest

TowerName = Literal["vision", "text"]

# Shell patterns over canonical names; a layer that matches one of them is not a candidate.
LAYER_PRESETS: dict[str, tuple[str, ...]] = {
    # Biases, embeddings and normalisation: too small or too shared to carry one concept. What has fewer than
    # two dimensions is left out whatever its name is: timm calls a normalisation "stem.1" or "identity".
    "default": (
        *(
            "*bias",
            "*logit_scale",
            "*ln_*",
            "*norm*",
            "*LayerNorm*",
            "*bn[0-9]*",
            "*downsample.1.*",
            "*ls_[0-9]*",
        ),
        *("*embedding*", "*pos_emb*", "*cls_emb", "*cls_token*", "*gamma*"),
        *("*rel_pos*", "*relative_*bias*", "*embed_tokens*", "*embed_positions*", "*.shared.weight"),
        "text_decoder.*",  # CoCa's captions: no embedding depends on it
    ),
    # The published script's rule: name fragments, so normalisation weights remain.
    "published": ("*bias*", "*logit_scale*", "*position*", "*embedding*", "text_decoder.*"),
}


def tower_of(layer: str) -> TowerName:
    """Tower that a canonical layer name belongs to.

    Example:
        >>> tower_of("visual.proj"), tower_of("text_projection")
        ('vision', 'text')
    """
    return "vision" if layer.startswith("visual.") else "text"


def get_layer(model: nn.Module, layer: str) -> nn.Parameter:
    """The parameter of that name.

    Raises:
        LayerNotFoundError: With the closest names, if the model has no such parameter.
    """
    parameters = dict(model.named_parameters())
    if layer not in parameters:
        msg = (
            f"Layer {layer!r} is not a parameter of {type(model).__name__} "
            f"({len(parameters)} parameters). Closest: {closest(layer, parameters)}."
        )
        raise LayerNotFoundError(msg)
    return parameters[layer]


def exclusion_patterns(exclude: str | Sequence[str]) -> tuple[str, ...]:
    """Patterns of a preset name, or the given patterns themselves.

    Raises:
        SettingError: If a single string is no preset.
    """
    if not isinstance(exclude, str):
        return tuple(exclude)
    if exclude not in LAYER_PRESETS:
        msg = (
            f"Expected exclude to be a preset {sorted(LAYER_PRESETS)} or a list of name patterns, "
            f"but got {exclude!r}. Closest: {closest(exclude, LAYER_PRESETS)}."
        )
        raise SettingError(msg)
    return LAYER_PRESETS[exclude]


def _is_vector(weight: Tensor) -> bool:
    """Whether a weight has fewer than two dimensions beside those of length 1."""
    return sum(size > 1 for size in weight.shape) < 2


def candidate_layers(
    model: nn.Module,
    exclude: str | Sequence[str] = "default",
    include: Sequence[str] = ("*",),
) -> list[str]:
    """Canonical names of the layers that may be edited, in model order.

    Args:
        model: An open_clip model.
        exclude: Preset name (``default``, ``published``) or shell patterns of names to leave out.
        include: Shell patterns of names to keep, e.g. ``["transformer.resblocks.*"]``.

    Returns:
        Parameter names; never empty.

    Raises:
        SettingError: If nothing is left.
    """
    patterns = exclusion_patterns(exclude)
    parameters = dict(model.named_parameters())
    names = list(parameters)
    kept = [
        name
        for name in names
        if any(fnmatchcase(name, pattern) for pattern in include)
        and not any(fnmatchcase(name, pattern) for pattern in patterns)
        and not (exclude == "default" and _is_vector(parameters[name]))
    ]
    if not kept:
        msg = (
            f"Expected at least one candidate layer, but include={list(include)} and "
            f"exclude={list(patterns)} leave none of {len(names)}. One name is {names[-1]!r}."
        )
        raise SettingError(msg)
    return kept
