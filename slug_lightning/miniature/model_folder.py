"""The miniature CLIP as a folder in open_clip's ``local-dir`` layout."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from slug_lightning.atomic import atomic_path, write_text

CONFIG_FILE = "open_clip_config.json"
WEIGHTS_FILE = "open_clip_model.safetensors"
MERGES_FILE = "bpe_simple_vocab.txt.gz"
RECIPE_FILE = "recipe.json"

CONTEXT_LENGTH = 24  # tokens; the longest caption has about 12


def model_config(vocab_size: int) -> dict[str, Any]:
    """Configuration of the miniature CLIP: two towers of four blocks.

    Args:
        vocab_size: Number of token ids.

    Returns:
        ``{"model_cfg": ..., "preprocess_cfg": ...}`` as open_clip reads it.
    """
    vision = {
        "image_size": 32,
        "patch_size": 8,
        "layers": 4,
        "width": 128,
        "head_width": 32,
        "mlp_ratio": 2.0,
    }
    text = {"context_length": CONTEXT_LENGTH, "vocab_size": vocab_size, "layers": 4, "width": 96, "heads": 3}
    return {
        "model_cfg": {"embed_dim": 64, "vision_cfg": vision, "text_cfg": {**text, "mlp_ratio": 2.0}},
        "preprocess_cfg": {
            "mean": [0.5, 0.5, 0.5],
            "std": [0.25, 0.25, 0.25],
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }


def new_model(config: Mapping[str, Any]) -> nn.Module:
    """An untrained CLIP of ``config``; its weights come from torch's default generator."""
    from open_clip.model import CLIP

    model: nn.Module = CLIP(**config["model_cfg"])
    return model


def write_weights(model: nn.Module, folder: Path) -> None:
    """Write the weights in float32; equal weights give equal bytes."""
    tensors = {name: value.detach().float().contiguous() for name, value in model.state_dict().items()}
    with atomic_path(folder / WEIGHTS_FILE) as draft:
        draft.write_bytes(save(tensors, metadata={"format": "pt"}))


def checksum(folder: Path) -> str:
    """SHA-256 of the weights file."""
    return hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a small, readable JSON file."""
    write_text(path, json.dumps(content, indent=2) + "\n")
