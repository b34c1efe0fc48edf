"""Who says what a generated image shows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from slug_lightning.errors import SettingError
from slug_lightning.models import Clip, load_clip


class ImageJudge(ABC):
    """Recognises names in images. It must be another model than the host's own CLIP, which is edited."""

    @abstractmethod
    def recognise(self, images: Tensor, names: Sequence[str]) -> Tensor:
        """Say which name each image shows.

        Args:
            images: Pixels in ``[0, 1]``, ``(B, 3, H, W)``, float32, on any device.
            names: What they may show.

        Returns:
            Positions in ``names``, ``(B,)``, int64.
        """


class ClipJudge(ImageJudge):
    """Zero-shot recognition by an open_clip model that is not the host's.

    Args:
        model: See ``load_clip``.
        pretrained: See ``load_clip``.
        template: Prompt with ``{}`` for the name.
    """

    def __init__(self, model: str, pretrained: str | None = None, template: str = "a photo of {}.") -> None:
        if "{}" not in template:
            raise SettingError(f"Expected the template of a ClipJudge to contain {{}}, but got {template!r}.")
        self.model, self.pretrained, self.template = model, pretrained, template
        self.clip: Clip | None = None

    @torch.no_grad()
    def recognise(self, images: Tensor, names: Sequence[str]) -> Tensor:
        """See ``ImageJudge``; the model is loaded at the first call."""
        from torchvision.transforms.functional import to_pil_image

        if self.clip is None:
            self.clip = load_clip(self.model, self.pretrained)
        network: Any = self.clip.model.to(images.device)
        pixels = torch.stack(
            [self.clip.preprocess(to_pil_image(image.clamp(0, 1).cpu())) for image in images]
        )
        tokens = self.clip.tokenize([self.template.format(name) for name in names])
        image = network.encode_image(pixels.to(images.device), normalize=True)
        text = network.encode_text(tokens.to(images.device), normalize=True)
        best: Tensor = (image @ text.T).argmax(dim=1)
        return best
