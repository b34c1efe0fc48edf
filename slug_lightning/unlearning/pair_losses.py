"""The two losses of all methods: of pairs that are to come apart, and of pairs that are to stay."""

from typing import Any

import torch
from torch import Tensor

from slug_lightning.functional import clip_loss, sigmoid_loss
from slug_lightning.models import Clip, text_tower, vision_tower
from slug_lightning.unlearning.base import Unlearner
from slug_lightning.unlearning.forget_loss import ForgetLoss


class PairLosses(Unlearner):
    """An unlearner that learns from pairs.

    Args:
        model: See ``load_clip``.
        pretrained: See ``load_clip``.
    """

    def __init__(self, model: str = "miniature", pretrained: str | None = None) -> None:
        super().__init__(model, pretrained)
        self._forget_loss = ForgetLoss()

    def load(self) -> Clip:
        """The CLIP; loaded, and cut into its towers, at the first call."""
        fresh = self.clip is None
        clip = super().load()
        if fresh:
            self.towers = vision_tower(clip.model), text_tower(clip.model)
        return clip

    def loss_sum(self, batch: dict[str, Any]) -> Tensor:
        """The loss of a batch of one role, summed over its pairs."""
        vision, text = self.towers
        image, caption = vision.pooled(batch["image"]), text.by_length(batch["text"])
        # In bfloat16 the logits of InfoNCE would be off by half a unit.
        with torch.autocast(self.device.type, enabled=False):
            if batch["role"] == "forget":
                return self._forget_loss(image, caption, self._scale)
            groups = zip(
                torch.split(image, batch["sizes"]), torch.split(caption, batch["sizes"]), strict=True
            )
            return torch.stack([len(v) * self._group_loss(v, t) for v, t in groups]).sum()

    def _group_loss(self, image: Tensor, caption: Tensor) -> Tensor:
        """The loss the model was trained with: InfoNCE, or SigLIP's where there is a bias of the logits."""
        bias = getattr(self.network, "logit_bias", None)
        if bias is None:
            return clip_loss(image, caption, self._scale)
        return sigmoid_loss(image, caption, self._scale, bias)

    @property
    def _scale(self) -> Tensor:
        scale = self.network.logit_scale
        assert isinstance(scale, Tensor)
        return scale.exp()
