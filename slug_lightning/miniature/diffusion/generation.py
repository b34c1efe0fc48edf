"""Images of every digit in every style, each from a noise of its own that never changes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from slug_lightning.miniature.diffusion.autoencoder import LATENT_CHANNELS, LATENT_SIDE
from slug_lightning.miniature.diffusion.prompts import all_prompts

STEPS, GUIDANCE = 15, 5.0


def starting_noise(count: int, seed: int) -> Tensor:
    """Noise of images ``0..count-1``, ``(count, 4, 8, 8)``: the same whichever of them are drawn together."""
    shape = (LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE)
    noises = [
        torch.randn(shape, generator=torch.Generator().manual_seed(seed * 100_003 + i)) for i in range(count)
    ]
    return torch.stack(noises)


@torch.inference_mode()
def generate(
    pipeline: Any, prompts: Sequence[str], noise: Tensor, steps: int = STEPS, guidance: float = GUIDANCE
) -> Tensor:
    """One image per prompt from the given noise; nothing else is random.

    Args:
        pipeline: A miniature Stable Diffusion.
        prompts: N prompts.
        noise: Starting noise, ``(N, 4, 8, 8)``.
        steps: DDIM steps.
        guidance: Scale of the classifier-free guidance.

    Returns:
        Pixels in ``[0, 1]``, ``(N, 3, 32, 32)``.
    """
    images = []
    for first in range(0, len(prompts), 100):
        some = slice(first, first + 100)
        made = pipeline(
            list(prompts[some]),
            latents=noise[some],
            num_inference_steps=steps,
            guidance_scale=guidance,
            output_type="pt",
        )
        images.append(made.images)
    return torch.cat(images).float()


def generate_grid(pipeline: Any, seeds: Sequence[int], steps: int = STEPS) -> Tensor:
    """Every digit in every style, once per seed: images ``(seeds, 10 digits, 10 styles, 3, 32, 32)``.

    Common random numbers: image (seed, digit, style) starts from the same noise in every call, so that
    pipelines that differ in a patch differ in nothing else.
    """
    prompts = all_prompts()
    grids = [generate(pipeline, prompts, starting_noise(len(prompts), seed), steps) for seed in seeds]
    return torch.stack(grids).view(len(grids), 10, 10, *grids[0].shape[1:])
