"""Loading CLIPs, naming their layers, and running their towers from any block on."""

from slug_lightning.models.fingerprint import tensor_digest, tower_digest
from slug_lightning.models.layers import LAYER_PRESETS, candidate_layers, get_layer, tower_of
from slug_lightning.models.loading import Clip, load_clip
from slug_lightning.models.stages import Tower
from slug_lightning.models.towers import text_tower, vision_tower

__all__ = [
    "LAYER_PRESETS",
    "Clip",
    "Tower",
    "candidate_layers",
    "get_layer",
    "load_clip",
    "tensor_digest",
    "text_tower",
    "tower_digest",
    "tower_of",
    "vision_tower",
]
