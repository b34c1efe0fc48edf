"""What the gradients are of: the CLIP's embeddings, or what a host makes of them."""

from typing import Literal

from torch import Tensor, nn

from slug_lightning.errors import SettingError
from slug_lightning.hosts.host_metric import HostMetric, Role
from slug_lightning.hosts.reading import Reading
from slug_lightning.models import vision_tower
from slug_lightning.models.class_token import through_patch_tokens
from slug_lightning.models.stages import Tower

GradientPaths = Literal["all", "patch_tokens", "host"]

# What headers of gradients and patches add to the words on their direction.
PATHS: dict[GradientPaths, str] = {
    "all": "",
    "patch_tokens": "; gradients hold the class token fixed behind the last block that the host reads",
    "host": "; the losses are the host's own, and so are the gradients",
}
HOST_LOSS = "mean over forget images of the loss of model.host_metric"


class HostLoss:
    """The loss of a host that reads the vision tower, as a function of the CLIP's weights.

    The CLIP's blocks up to the last that the host reads are those that a patch edits; the host goes on from
    their states.

    Args:
        metric: Its ``loss`` is taken.
        tower: Vision tower of the CLIP.
        blocks: How many blocks the host reads.
    """

    def __init__(self, metric: HostMetric, tower: Tower, blocks: int) -> None:
        self.metric, self.tower, self.blocks = metric, tower, blocks

    def __call__(self, concept: str, role: Role, images: Tensor) -> Tensor:
        """Sum of the losses of images ``(B, 3, H, W)`` of one role."""
        states = self.tower.advance(self.tower.start(images), 0, self.blocks + 1).value
        return self.metric.loss(concept, role, states)


def tower_of_path(path: GradientPaths, network: nn.Module, reading: Reading | None) -> tuple[Tower, int]:
    """The vision tower as gradients are to see it, and how many of its blocks the host reads.

    Args:
        path: Setting.
        network: open_clip model.
        reading: What the host takes; ``None`` without a host.

    Raises:
        SettingError: If no host is set whose reading the setting needs.
    """
    tower = vision_tower(network)
    if path == "all":
        return tower, 0
    if reading is None or reading.tower != "vision":
        raise SettingError(
            f"Expected a host that reads patch tokens for model.gradient_through {path}, but got "
            f"{'none' if reading is None else 'one that ' + reading.why}. Set model.host llava or a "
            "model.host_metric on a LLaVA."
        )
    blocks = len(tower.stages) - 2 - reading.unread_blocks
    return (through_patch_tokens(tower, network, blocks) if path == "patch_tokens" else tower), blocks
