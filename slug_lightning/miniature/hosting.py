"""The miniature CLIP's towers and preprocessing as transformers has them, for the small hosts built on it."""

from typing import Any

from torch import nn

from slug_lightning.hosts.conversion import to_transformers
from slug_lightning.hosts.tokenizer import clip_tokenizer
from slug_lightning.miniature.model_folder import CONTEXT_LENGTH, MERGES_FILE, model_config
from slug_lightning.models import load_clip
from slug_lightning.models.loading import MINIATURE, miniature_folder


def miniature_text_encoder() -> nn.Module:
    """The text tower as a ``CLIPTextModel``: what a Stable Diffusion takes as ``text_encoder``."""
    return to_transformers(load_clip(MINIATURE).model, "CLIPTextModel")


def miniature_vision_tower() -> nn.Module:
    """The vision tower as a ``CLIPVisionModel``: what a LLaVA takes as its vision tower."""
    return to_transformers(load_clip(MINIATURE).model, "CLIPVisionModel")


def miniature_tokenizer() -> Any:
    """A ``CLIPTokenizer`` of the miniature vocabulary: 728 ids, captions of 24 tokens."""
    return clip_tokenizer(miniature_folder() / MERGES_FILE, CONTEXT_LENGTH)


def miniature_image_processor() -> Any:
    """A ``CLIPImageProcessor`` that prepares pictures as the miniature CLIP does: 32 x 32 pixels."""
    import transformers

    config = model_config(vocab_size=1)
    size, preprocess = config["model_cfg"]["vision_cfg"]["image_size"], config["preprocess_cfg"]
    return transformers.CLIPImageProcessor(
        size={"shortest_edge": size},
        crop_size={"height": size, "width": size},
        resample=3,  # bicubic
        image_mean=preprocess["mean"],
        image_std=preprocess["std"],
    )
