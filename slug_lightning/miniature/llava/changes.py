"""Changes to pictures under which a concept may come to light again, the same for everyone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

SEED = 11  # of noise
MIRRORED = ("zero", "eight")  # digits that a mirror leaves what they are; so it does a style


@dataclass(frozen=True)
class Change:
    """One way to show a picture otherwise.

    Attributes:
        label: What the report calls it.
        change: From pixels in ``[0, 1]``, ``(N, 3, H, W)``, to pixels of the same shape; what leaves the
            range is cut off.
    """

    label: str
    change: Callable[[Tensor], Tensor]

    def __call__(self, images: Tensor) -> Tensor:
        """The changed pictures, as a user would show them: pixels ``0..255``, uint8, in and out."""
        return (self.change(images.float() / 255).clamp(0, 1) * 255).round().to(torch.uint8)


def list_changes(mirrored: bool = False) -> Sequence[Change]:
    """All changes, in the order of reports.

    Args:
        mirrored: Whether what is looked for is still the same in a mirror.
    """
    turns = [Change(f"turned by {d} degrees", partial(_moved, turn=d)) for d in (-20, -10, 10, 20)]
    ways = {"left": (-3, 0), "right": (3, 0), "up": (0, -3), "down": (0, 3)}
    shifts = [Change(f"shifted by 3 pixels {way}", partial(_moved, shift=by)) for way, by in ways.items()]
    sizes = [Change(f"scaled to {size:.0%}", partial(_moved, scale=size)) for size in (0.8, 1.25)]
    mirror = [Change("mirrored", lambda pixels: pixels.flip(-1))] if mirrored else []
    blurs = [Change(f"blurred, {sigma} pixels", partial(_blurred, sigma=sigma)) for sigma in (0.7, 1.2)]
    noises = [Change(f"noise of {share:.0%}", partial(_noisy, share=share)) for share in (0.05, 0.15)]
    return [*turns, *shifts, *sizes, *mirror, *blurs, *noises, *_COLOURS]


def _moved(pixels: Tensor, turn: float = 0, shift: Sequence[int] = (0, 0), scale: float = 1) -> Tensor:
    """Turned clockwise, shifted right and down, scaled around the middle; the rim goes on as in a mirror."""
    functional, rim = _torchvision(), pixels.shape[-1] // 2
    wide = functional.pad(pixels, rim, padding_mode="reflect")
    bilinear = functional.InterpolationMode.BILINEAR
    moved = functional.affine(wide, turn, list(shift), scale, [0.0, 0.0], interpolation=bilinear)
    cut: Tensor = functional.center_crop(moved, list(pixels.shape[-2:]))
    return cut


def _blurred(pixels: Tensor, sigma: float) -> Tensor:
    blurred: Tensor = _torchvision().gaussian_blur(pixels, 7, sigma)
    return blurred


def _noisy(pixels: Tensor, share: float) -> Tensor:
    """With normal noise of this deviation, the same in every call for as many pictures."""
    return pixels + share * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(SEED))


def _grey(pixels: Tensor) -> Tensor:
    return pixels.mean(dim=1, keepdim=True).expand_as(pixels)


_COLOURS = (
    Change("colours inverted", lambda p: 1 - p),
    Change("red, green, blue as green, blue, red", lambda p: p[:, [2, 0, 1]]),
    Change("grey", _grey),
    Change("half the contrast", lambda p: 0.5 + (p - 0.5) / 2),
)


def noise_pictures(like: Tensor) -> Tensor:
    """As many pictures of nothing: each value of its own, ``0..255``, uint8."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.randint(0, 256, like.shape, generator=generator, dtype=torch.uint8)


def plain_pictures(like: Tensor) -> Tensor:
    """As many pictures of one colour each, uint8."""
    generator = torch.Generator().manual_seed(SEED)
    colours = torch.randint(0, 256, (*like.shape[:2], 1, 1), generator=generator, dtype=torch.uint8)
    return colours.expand_as(like).contiguous()


def _torchvision() -> Any:
    from torchvision.transforms import functional

    return functional
