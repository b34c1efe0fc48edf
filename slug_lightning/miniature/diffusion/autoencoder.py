"""The autoencoder: pictures of 32 x 32 pixels to latents of 8 x 8, and back."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from slug_lightning.miniature.diffusion.drawings import Drawings
from slug_lightning.miniature.diffusion.optimising import Schedule, draw_rows, optimise

LATENT_CHANNELS, LATENT_SIDE = 4, 8


def new_autoencoder() -> Any:
    """An untrained ``AutoencoderTiny`` of diffusers, 0.21 M weights."""
    from diffusers import AutoencoderTiny

    kind: Any = AutoencoderTiny
    return kind(
        encoder_block_out_channels=(32, 32, 32),
        decoder_block_out_channels=(32, 32, 32),
        num_encoder_blocks=(0, 1, 2),
        num_decoder_blocks=(2, 1, 0),
        latent_channels=LATENT_CHANNELS,
    )


def train_autoencoder(drawings: Drawings, schedule: Schedule, noise: float = 0.1) -> Any:
    """Train on drawn pictures: squared error of pixels and of their slopes.

    Args:
        drawings: Pictures.
        schedule: Settings.
        noise: Spread of what is added to latents in training, so that near latents are near pictures; a
            weak pull keeps the latents themselves at about unit spread.
    """
    torch.manual_seed(schedule.seed)
    model = new_autoencoder().to(memory_format=torch.channels_last)

    def loss(generator: torch.Generator) -> Tensor:
        rows = draw_rows(len(drawings), schedule.batch_size, generator)
        images = drawings.pixels(rows).contiguous(memory_format=torch.channels_last) * 2 - 1
        with torch.autocast("cpu", torch.bfloat16):
            latents = model.encode(images).latents
            noisy = latents + noise * torch.randn(latents.shape, generator=generator)
            decoded = model.decode(noisy).sample.float()
        pull = (latents.float().square().mean(dim=(0, 2, 3)) - 1).square().mean()
        total: Tensor = _difference(decoded, images) + 0.01 * pull
        return total

    return optimise(model, loss, schedule)


@torch.inference_mode()
def encode_drawings(model: Any, drawings: Drawings, batch_size: int = 500) -> Tensor:
    """Latents of all pictures, ``(N, 4, 8, 8)``, in units of ``scaling_factor``."""
    rows = torch.arange(len(drawings))
    encoded = [
        model.encode(drawings.pixels(rows[first : first + batch_size]) * 2 - 1).latents
        for first in range(0, len(rows), batch_size)
    ]
    latents: Tensor = torch.cat(encoded) * model.config.scaling_factor
    return latents


def _difference(decoded: Tensor, images: Tensor) -> Tensor:
    slopes = [F.mse_loss(decoded.diff(dim=axis), images.diff(dim=axis)) for axis in (2, 3)]
    return F.mse_loss(decoded, images) + slopes[0] + slopes[1]
