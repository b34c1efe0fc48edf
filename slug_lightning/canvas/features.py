"""FID by torchmetrics, and the features that it compares."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError

RESIZED = 512  # pixels; the benchmark resizes to this before Inception's 299


def make_fid(source: str | Path) -> FrechetInceptionDistance | None:
    """The metric, or ``None`` for ``none``.

    Args:
        source: ``library`` (torchmetrics' standard, torch-fidelity's Inception, whose weights it downloads),
            ``miniature`` (what the miniature classifiers see), ``none``, or torchvision's
            ``inception_v3_google-*.pth``, with which the features are those of the benchmark's script.

    Raises:
        SettingError: If torch-fidelity or its weights cannot be had.
        DataNotFoundError: If there is no such file.
        BadDataError: If the file is not torchvision's Inception.
    """
    if str(source) == "none":
        return None
    if str(source) == "miniature":
        return FrechetInceptionDistance(feature=MiniatureFeatures())
    if str(source) == "library":
        return _of_library()
    return FrechetInceptionDistance(feature=BenchmarkInception(Path(source)))


def _of_library() -> FrechetInceptionDistance:
    try:
        return FrechetInceptionDistance(feature=2048)
    except ModuleNotFoundError as error:
        raise SettingError(
            "Expected the package torch-fidelity for --fid library; install it: pip install "
            "'slug_lightning[fid]', or give --fid torchvision's inception_v3_google-0cc3c7bd.pth, or none."
        ) from error
    except OSError as error:  # urllib's errors are of this kind
        raise SettingError(
            f"Expected to download Inception's weights for --fid library but could not: {error}. Run once "
            "with a network (they stay in torch's hub folder), give --fid torchvision's "
            "inception_v3_google-0cc3c7bd.pth, or none."
        ) from error


class BenchmarkInception(nn.Module):
    """Pooled features of torchvision's Inception, seen as the benchmark's script shows it images.

    It resizes to 512, then 299 pixels without antialiasing, scales to ``[-1, 1]``, and torchvision's model
    normalises once more, as with its pretrained weights; features are the mean over ``Mixed_7c``'s output.

    Args:
        path: Torchvision's checkpoint.

    Raises:
        DataNotFoundError: If there is no such file.
        BadDataError: If it holds other weights.
    """

    num_features = 2048

    def __init__(self, path: Path) -> None:
        super().__init__()
        from torchvision.models import inception_v3

        if not path.is_file():
            raise DataNotFoundError(
                f"Expected --fid to be library, miniature, none or torchvision's Inception checkpoint, but "
                f"there is no file {str(path)!r}."
            )
        self.network = inception_v3(weights=None, transform_input=True, init_weights=False)
        try:
            self.network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        except Exception as error:  # unpickling raises many kinds on other files
            reason = " ".join(str(error).split())[:200]
            raise BadDataError(
                f"Expected torchvision's Inception checkpoint in {str(path)!r} but got: {reason}."
            ) from error
        self.network.eval().requires_grad_(False)
        self.network.Mixed_7c.register_forward_hook(self._keep)
        self._kept: Tensor | None = None

    def _keep(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        del module, inputs
        self._kept = output

    def forward(self, images: Tensor) -> Tensor:
        """Features ``(B, 2048)`` of images ``(B, 3, H, W)`` in 0..255."""
        pixels = images.float()
        for side in (RESIZED, 299):
            if pixels.shape[-1] != side:
                pixels = F.interpolate(pixels, (side, side), mode="bilinear", align_corners=False).round()
        self.network(pixels / 255 * 2 - 1)
        kept, self._kept = self._kept, None
        assert kept is not None
        return kept.mean(dim=(2, 3))


class MiniatureFeatures(nn.Module):
    """What the miniature's two classifiers see before they decide: 96 pooled channels each."""

    num_features = 192

    def __init__(self) -> None:
        super().__init__()
        from slug_lightning.miniature.diffusion.classifiers import LABELS, load_classifier
        from slug_lightning.miniature.diffusion.pipeline import WEIGHTS

        heads = [load_classifier(label, WEIGHTS) for label in LABELS]
        self.networks = nn.ModuleList([nn.Sequential(*list(head.children())[:-3]) for head in heads])

    def forward(self, images: Tensor) -> Tensor:
        """Features ``(B, 192)`` of images ``(B, 3, 32, 32)`` in 0..255."""
        pixels = images.float() / 255
        return torch.cat([network(pixels).mean(dim=(2, 3)) for network in self.networks], dim=1)
