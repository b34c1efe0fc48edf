"""Two small CNNs that say which digit, and which style, a picture shows; they judge generated images."""

from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from slug_lightning.errors import DataNotFoundError
from slug_lightning.miniature.augmentation import augment
from slug_lightning.miniature.diffusion.drawings import Drawings
from slug_lightning.miniature.diffusion.optimising import Schedule, draw_rows, optimise

Label = Literal["digit", "style"]
LABELS: tuple[Label, ...] = ("digit", "style")


class PictureClassifier(nn.Sequential):
    """Logits over ten classes of ``(B, 3, 32, 32)`` pixels in ``[0, 1]``: 0.11 M weights."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        before = 3
        for width, stride in ((32, 2), (48, 1), (64, 2), (96, 2)):
            layers += [nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        super().__init__(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(before * 16, 10))

    @torch.inference_mode()
    def recognise(self, images: Tensor, batch_size: int = 500) -> Tensor:
        """Most likely class of each image; pixels in ``[0, 1]``, or uint8."""
        chosen = []
        for first in range(0, len(images), batch_size):
            batch = images[first : first + batch_size]
            pixels = batch.float() / 255 if batch.dtype == torch.uint8 else batch
            chosen.append(self(pixels).argmax(dim=1))
        return torch.cat(chosen)


def train_classifier(label: Label, drawings: Drawings, schedule: Schedule) -> PictureClassifier:
    """Train one of the two on drawn pictures, turned, shifted, recoloured, and half of them blurred.

    The blur stands for what any autoencoder does to fine texture. No generated image is trained on.
    """
    torch.manual_seed(schedule.seed)
    model = PictureClassifier()
    labels = drawings.digits if label == "digit" else drawings.styles

    def loss(generator: torch.Generator) -> Tensor:
        rows = draw_rows(len(drawings), schedule.batch_size, generator)
        images = _blur_half(augment(drawings.pixels(rows), generator), generator)
        return F.cross_entropy(model(images), labels[rows], label_smoothing=0.05)

    return optimise(model, loss, schedule)


def load_classifier(label: Label, folder: Path) -> PictureClassifier:
    """The trained classifier in ``folder/<label>_classifier.safetensors``.

    Raises:
        DataNotFoundError: If there is none.
    """
    path = classifier_file(label, folder)
    if not path.is_file():
        raise DataNotFoundError(
            f"Expected a classifier in '{path}' but it is not there; train it with "
            "`python -m slug_lightning.miniature.diffusion.train --out DIR`."
        )
    model = PictureClassifier()
    model.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    return model.eval()


def classifier_file(label: Label, folder: Path) -> Path:
    """Where a classifier's weights are."""
    return folder / f"{label}_classifier.safetensors"


def _blur_half(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur every second image with a Gaussian of 0.4 to 1 pixel."""
    spread = 0.4 + 0.6 * torch.rand((), generator=generator)
    weights = torch.exp(-0.5 * (torch.arange(-2, 3) / spread) ** 2)
    kernel = torch.outer(weights, weights).div(weights.sum() ** 2).expand(3, 1, 5, 5)
    blurred = F.conv2d(F.pad(images[::2], (2, 2, 2, 2), mode="replicate"), kernel, groups=3)
    return torch.cat([blurred, images[1::2]])[_interleave(len(images))]


def _interleave(count: int) -> Tensor:
    """Order that puts ``[0, 2, 4, ..., 1, 3, ...]`` back."""
    return torch.argsort(torch.cat([torch.arange(0, count, 2), torch.arange(1, count, 2)]))
