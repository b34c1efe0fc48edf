"""Which layers of a CLIP a host reads: an edit of any other layer would change nothing there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from slug_lightning.errors import SettingError, closest
from slug_lightning.hosts.spelling import (
    SCALE,
    block_of,
    has_spelling,
    is_final_norm,
    is_projection,
    plain_name,
)
from slug_lightning.models.layers import TowerName, tower_of


@dataclass(frozen=True)
class Reading:
    """What a host takes from one tower.

    Attributes:
        tower: The tower.
        unread_blocks: So many of the last blocks are not read.
        final_norm: Whether the normalisation behind the last block is read.
        projection: Whether the projection into the shared space is read.
        why: What the host takes, as the end of a sentence that starts with the host's name.
    """

    tower: TowerName
    unread_blocks: int
    final_norm: bool
    projection: bool
    why: str

    def reads(self, layer: str, blocks: int) -> bool:
        """Whether an edit of a layer changes what the host does.

        Args:
            layer: Canonical name.
            blocks: Number of blocks of the tower.
        """
        if tower_of(layer) != self.tower or plain_name(layer) == SCALE:
            return False
        if is_projection(layer):
            return self.projection
        if is_final_norm(layer):
            return self.final_norm
        block = block_of(layer)
        return block is None or block < blocks - self.unread_blocks


WHOLE_TEXT = Reading("text", 0, True, True, "takes the caption embedding")
WHOLE_VISION = Reading("vision", 0, True, True, "takes the image embedding")
LAST_TEXT = Reading(
    "text", 0, True, False, "takes the last hidden state of the text tower, before text_projection"
)
LAST_VISION = Reading(
    "vision", 0, True, False, "takes the last hidden state of the vision tower, before visual.proj"
)
PENULTIMATE_TEXT = Reading(
    "text",
    1,
    False,
    False,
    "takes the hidden state before the last text block, without ln_final and text_projection",
)
POOLED_AND_PENULTIMATE_TEXT = Reading(
    "text", 0, True, True, "takes the hidden state before the last text block, and the caption embedding"
)
# Its repository keeps 23 of the 24 blocks of ViT-H/14, followed by ln_final.
SHORTENED_TEXT = Reading(
    "text", 1, True, False, "takes the hidden state before the last text block, normalised by ln_final"
)
LLAVA_VISION = Reading(
    "vision", 1, False, False, "takes the output of the second-last vision block, without what comes after"
)

# Names for `model.host`: what the host reads of the open_clip model that the patch is computed on.
HostName = Literal[
    "stable-diffusion-1",
    "stable-diffusion-2",
    "stable-diffusion-xl.text_encoder",
    "stable-diffusion-xl.text_encoder_2",
    "stable-diffusion-3",
    "llava",
]
HOSTS: dict[str, Reading] = {
    "stable-diffusion-1": LAST_TEXT,
    "stable-diffusion-2": SHORTENED_TEXT,
    "stable-diffusion-xl.text_encoder": PENULTIMATE_TEXT,
    "stable-diffusion-xl.text_encoder_2": POOLED_AND_PENULTIMATE_TEXT,
    "stable-diffusion-3": POOLED_AND_PENULTIMATE_TEXT,
    "llava": LLAVA_VISION,
}


def host_reading(host: str) -> Reading:
    """What a host of ``HOSTS`` reads.

    Raises:
        SettingError: With the names there are.
    """
    if host not in HOSTS:
        msg = (
            f"Expected model.host to be one of {list(HOSTS)}, but got {host!r}. Closest: "
            f"{closest(host, HOSTS)}."
        )
        raise SettingError(msg)
    return HOSTS[host]


def feature_reading(layers: int | Sequence[int], blocks: int) -> Reading:
    """What a LLaVA reads, by its setting ``vision_feature_layer``.

    Args:
        layers: Index or indices into the hidden states; 0 is what enters block 0, negative ones count from
            the end, so that -1 is the output of the last block.
        blocks: Number of blocks of the vision tower.

    Example:
        >>> feature_reading(-2, 24).unread_blocks, feature_reading([-2, -5], 24).unread_blocks
        (1, 1)
    """
    indices = [layers] if isinstance(layers, int) else list(layers)
    last = max(index if index >= 0 else blocks + 1 + index for index in indices)
    why = f"takes the output of vision block {last - 1} (vision_feature_layer {layers})"
    return Reading("vision", blocks - last, False, False, f"{why}, without what comes after")


def candidate_layers(host: str, layers: Iterable[str]) -> list[str]:
    """The layers of an open_clip model that a host reads, in the order given.

    Args:
        host: A name of ``HOSTS``.
        layers: Canonical names, e.g. of ``model.named_parameters()``, of all blocks.

    Returns:
        Those that the host has and whose edit changes what it does; empty if there are none.

    Example:
        >>> blocks = [f"visual.transformer.resblocks.{i}.mlp.c_fc.weight" for i in range(3)]
        >>> candidate_layers("llava", [*blocks, "visual.proj", "text_projection"]) == blocks[:2]
        True
    """
    reading, names = host_reading(host), list(layers)
    numbers = [block_of(name) for name in names if tower_of(name) == reading.tower]
    blocks = 1 + max((number for number in numbers if number is not None), default=-1)
    if not blocks:  # no transformer: none of its layers is in the host
        return []
    return [name for name in names if has_spelling(name) and reading.reads(name, blocks)]


def keep_read(host: str, candidates: Iterable[str], layers: Iterable[str]) -> list[str]:
    """The candidates that a host reads.

    Args:
        host: A name of ``HOSTS``.
        candidates: Canonical names that may be edited.
        layers: All layers of the model; its number of blocks is counted there.

    Raises:
        SettingError: If none is left.
    """
    names, read = list(candidates), set(candidate_layers(host, layers))
    kept = [name for name in names if name in read]
    if not kept:
        msg = (
            f"Expected a candidate that {host} reads, but none of {len(names)} is. Widen model.include, or "
            f"choose another model.host of {list(HOSTS)}."
        )
        raise SettingError(msg)
    return kept
