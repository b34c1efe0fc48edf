"""How an open_clip architecture is served, found out from a model without weights."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from slug_lightning.errors import ModelNotFoundError, closest
from slug_lightning.models.towers import text_tower, vision_tower


@dataclass(frozen=True, order=True)
class Support:
    """How the towers of one architecture are run.

    Attributes:
        vision: ``blocks`` if an edit re-runs the image tower from its block on, ``whole`` if all of it.
        text: The same for the text tower.
        padding: ``cut`` if captions are encoded up to their end, ``kept`` if the padding takes part.
        retain_loss: ``InfoNCE``, or ``sigmoid`` for SigLIP.
        fetched: By ``transformers``: the ``tokenizer``, the ``text tower`` as well, or nothing, ``-``.
    """

    vision: str
    text: str
    padding: str
    retain_loss: str
    fetched: str


def support(name: str) -> Support:
    """How an architecture of open_clip is served; takes a fraction of a second and no memory.

    Args:
        name: open_clip architecture.

    Raises:
        ModelNotFoundError: If open_clip has no such architecture.

    Example:
        >>> support("ViT-B-32")
        Support(vision='blocks', text='blocks', padding='cut', retain_loss='InfoNCE', fetched='-')
    """
    import open_clip

    config = open_clip.get_model_config(name)
    if config is None:
        known = open_clip.list_models()
        msg = f"Model {name!r} is not an open_clip architecture. Closest: {closest(name, known)}."
        raise ModelNotFoundError(msg)
    foreign = "hf_model_name" in config["text_cfg"]
    fetched = "text tower" if foreign else "tokenizer" if "hf_tokenizer_name" in config["text_cfg"] else "-"
    model = without_weights(config)
    vision, text = vision_tower(model), text_tower(model)
    cut = len(text.stages) > 1 and not foreign
    return Support(
        vision="blocks" if len(vision.stages) > 1 else "whole",
        text="blocks" if cut else "whole",
        padding="cut" if cut and text.trim else "kept",
        retain_loss="InfoNCE" if model.logit_bias is None else "sigmoid",
        fetched=fetched,
    )


def without_weights(config: dict[str, Any]) -> nn.Module:
    """The model on the meta device; a text tower of transformers is replaced by a small one.

    Args:
        config: Of open_clip; it is changed.
    """
    import open_clip

    custom = config.pop("custom_text", False)
    if "hf_model_name" in config["text_cfg"]:
        custom, config["text_cfg"] = True, {"layers": 1}
    if "timm_model_name" in config["vision_cfg"]:
        config["vision_cfg"]["timm_model_pretrained"] = False
    kinds = open_clip.CLIP, open_clip.CustomTextCLIP
    kind = open_clip.CoCa if "multimodal_cfg" in config else kinds[custom]
    with torch.device("meta"):
        model: nn.Module = kind(**config)
    return model.eval()
