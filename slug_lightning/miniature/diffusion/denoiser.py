"""The denoiser: a UNet that reads the miniature CLIP's text states, and its noise schedule."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from slug_lightning.miniature.diffusion.autoencoder import LATENT_CHANNELS, LATENT_SIDE
from slug_lightning.miniature.diffusion.drawings import Drawings
from slug_lightning.miniature.diffusion.optimising import Schedule, draw_rows, optimise
from slug_lightning.miniature.diffusion.prompts import PROMPT, WORDINGS
from slug_lightning.miniature.styles import STYLES

NO_PROMPT = 0.1  # share of training pictures with the empty prompt, for classifier-free guidance
PLAIN = 0.5  # share of prompts in the wording of ``PROMPT``; the others are in any wording
MOST_SIGNAL = 5.0  # signal-to-noise ratio above which a noise level counts less


def new_unet() -> Any:
    """An untrained ``UNet2DConditionModel`` of 1.2 M weights; text is read on the 4 x 4 grid."""
    from diffusers import UNet2DConditionModel

    kind: Any = UNet2DConditionModel
    return kind(
        sample_size=LATENT_SIDE,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(48, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=96,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_scheduler() -> Any:
    """Stable Diffusion's noise levels with its second version's target, sampled by DDIM."""
    from diffusers import DDIMScheduler

    kind: Any = DDIMScheduler
    return kind(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def train_unet(
    latents: Tensor,
    drawings: Drawings,
    states: Tensor,
    schedule: Schedule,
    watch: Callable[[int, float, Any], None] | None = None,
) -> Any:
    """Train to take noise off latents, given the prompt.

    Args:
        latents: Encoded drawings, ``(N, 4, 8, 8)``.
        drawings: Their labels.
        states: Text states, as ``training_states`` gives them.
        schedule: Settings.
        watch: See ``optimise``.
    """
    torch.manual_seed(schedule.seed)
    unet, scheduler = new_unet(), new_scheduler()
    prompts = drawings.digits * len(STYLES) + drawings.styles

    def loss(generator: torch.Generator) -> Tensor:
        rows = draw_rows(len(latents), schedule.batch_size, generator)
        clean = latents[rows]
        noise = torch.randn(clean.shape, generator=generator)
        times = torch.randint(0, scheduler.config.num_train_timesteps, (len(rows),), generator=generator)
        said = states[_wordings(len(states), len(rows), generator), prompts[rows]]
        return velocity_losses(unet, scheduler, clean, noise, times, said).mean()

    return optimise(unet, loss, schedule, watch)


def velocity_losses(
    unet: Any, scheduler: Any, clean: Tensor, noise: Tensor, times: Tensor, states: Tensor
) -> Tensor:
    """Weighted squared error of the velocity of each latent, ``(N,)``.

    Args:
        unet: The denoiser.
        scheduler: Its noise levels.
        clean: Latents ``(N, 4, 8, 8)``.
        noise: Same shape.
        times: Noise levels ``(N,)``.
        states: Text states ``(N, T, D)``.
    """
    predicted = unet(scheduler.add_noise(clean, noise, times), times, states).sample
    errors = (predicted - scheduler.get_velocity(clean, noise, times)).square().mean(dim=(1, 2, 3))
    weighted: Tensor = level_weights(scheduler.alphas_cumprod[times]) * errors
    return weighted


def level_weights(signal: Tensor) -> Tensor:
    """How much noise levels count: less where little noise is left and digit and style are long decided.

    ``(min(SNR, MOST_SIGNAL) + 1) / (SNR + 1)``: the error of the velocity is ``SNR + 1`` times that of the
    clean latents.

    Args:
        signal: Shares of the signal in the variance, ``alphas_cumprod``, shape ``(N,)``.

    Returns:
        Weights in ``(0, 1]``, same shape.

    Example:
        >>> [round(weight, 2) for weight in level_weights(torch.tensor([0.5, 0.99])).tolist()]
        [1.0, 0.06]

    Source:
        Min-SNR weighting (arXiv 2303.09556), bounded on one side.
    """
    ratio = signal / (1 - signal)
    return (ratio.clamp(max=MOST_SIGNAL) + 1) / (ratio + 1)


def _wordings(count: int, size: int, generator: torch.Generator) -> Tensor:
    """For each picture which row of the states to read; the last is the empty prompt."""
    wording = torch.randint(0, count - 1, (size,), generator=generator)
    chance = torch.rand(size, generator=generator)
    wording[chance < PLAIN + NO_PROMPT] = WORDINGS.index(PROMPT)
    wording[chance < NO_PROMPT] = count - 1
    return wording
