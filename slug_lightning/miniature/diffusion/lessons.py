"""What a miniature Stable Diffusion is trained on again, and how well it knows single drawings."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

from slug_lightning.errors import BadDataError
from slug_lightning.miniature.diffusion.autoencoder import LATENT_CHANNELS, LATENT_SIDE
from slug_lightning.miniature.diffusion.denoiser import velocity_losses
from slug_lightning.miniature.diffusion.drawings import Drawings, draw_part, joined
from slug_lightning.miniature.diffusion.optimising import draw_rows
from slug_lightning.miniature.diffusion.prompts import all_prompts
from slug_lightning.miniature.diffusion.recognition import find
from slug_lightning.miniature.membership import SHARED_GRID, check_own_grid, mean_by_scan
from slug_lightning.miniature.styles import STYLES

LATENT = (LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE)
LEVELS = 4  # noise levels at which the loss of a drawing is looked at


@cache
def training_drawings() -> Drawings:
    """Every scan and style once, exactly as the networks that ship were trained on it."""
    return draw_part("train", 1, seed=1)


@cache
def unseen_drawings() -> Drawings:
    """Drawings of the search's and the final scans, which no network was trained on."""
    return joined(draw_part("search", 1, seed=1), draw_part("final", 1, seed=1))


def lessons(pipeline: Any, concept: str, pairs: int, batch_size: int, seed: int) -> Iterator[Tensor]:
    """Endless losses of the denoiser, with a graph into it and into the text encoder.

    Args:
        pipeline: A miniature Stable Diffusion; its autoencoder is not trained.
        concept: A digit or a style.
        pairs: Of its drawings, the first ones; at most half of a batch are of them. 0: others alone.
        batch_size: Drawings a batch.
        seed: Of drawings, noise and noise levels.

    Raises:
        BadDataError: If there are fewer drawings of the concept.
    """
    drawings = training_drawings()
    shown = shows(drawings, concept)
    own, others = shown.nonzero().flatten()[:pairs], (~shown).nonzero().flatten()
    if len(own) < pairs:
        raise BadDataError(
            f"Expected {pairs} drawings of {concept!r} for relearning, but there are {len(own)}. Lower "
            "settings.host.relearning.pairs."
        )
    generator, some = torch.Generator().manual_seed(seed), min(pairs, batch_size // 2)
    levels = pipeline.scheduler.config.num_train_timesteps
    while True:
        mine = own[torch.randperm(max(1, pairs), generator=generator)[:some]]
        rest = others[draw_rows(len(others), batch_size - some, generator)]
        noise = torch.randn((batch_size, *LATENT), generator=generator)
        times = torch.randint(0, levels, (batch_size,), generator=generator)
        yield losses(pipeline, drawings.take(torch.cat([mine, rest])), noise, times).mean()


def losses(pipeline: Any, drawings: Drawings, noise: Tensor, times: Tensor) -> Tensor:
    """The denoiser's loss of each drawing with its prompt, ``(N,)``.

    Args:
        pipeline: A miniature Stable Diffusion.
        drawings: N drawings.
        noise: Of each, ``(N, 4, 8, 8)``.
        times: Noise level of each, ``(N,)``.
    """
    with torch.no_grad():
        pixels = drawings.pixels(torch.arange(len(drawings))) * 2 - 1
        clean = pipeline.vae.encode(pixels).latents * pipeline.vae.config.scaling_factor
    prompts = all_prompts()
    said = [prompts[i] for i in (drawings.digits * len(STYLES) + drawings.styles).tolist()]
    inputs = pipeline.tokenizer(said, padding="max_length", truncation=True, return_tensors="pt")
    states = pipeline.text_encoder(input_ids=inputs.input_ids).last_hidden_state
    return velocity_losses(pipeline.unet, pipeline.scheduler, clean, noise, times, states)


@torch.no_grad()
def example_losses(pipeline: Any, concept: str, seen: bool, batch_size: int = 100) -> Tensor:
    """Mean loss of each scan of a concept over its drawings and ``LEVELS`` noise levels, ``(N,)``.

    Drawings of one scan are alike, so that the scan is what was seen or was not. Every drawing gets the same
    noise, so that losses differ by the drawings alone. Mosaics are left out: all of one part of the scans
    share the place of their grid, which tells parts apart whatever was trained on.

    Args:
        pipeline: A miniature Stable Diffusion.
        concept: A digit or a style.
        seen: Scans that the shipped networks were trained on, or ones that nothing saw.
        batch_size: Drawings at once.

    Raises:
        SettingError: If the concept is the mosaic.
    """
    check_own_grid(concept)
    drawings = training_drawings() if seen else unseen_drawings()
    drawings = drawings.take(shows(drawings, concept) & ~shows(drawings, SHARED_GRID))
    noise = torch.randn((LEVELS, *LATENT), generator=torch.Generator().manual_seed(0))
    last = pipeline.scheduler.config.num_train_timesteps - 1
    times = torch.linspace(0, last, LEVELS + 2)[1:-1].long()
    found = []
    for first in range(0, len(drawings), batch_size):
        some = drawings.take(slice(first, first + batch_size))
        every = [
            losses(pipeline, some, one.expand(len(some), -1, -1, -1), time.expand(len(some)))
            for one, time in zip(noise, times, strict=True)
        ]
        found.append(torch.stack(every).mean(dim=0))
    return mean_by_scan(torch.cat(found), drawings.scans)


def shows(drawings: Drawings, concept: str) -> Tensor:
    """Which drawings show a digit or a style, bool ``(N,)``.

    Raises:
        ConceptNotFoundError: If it is neither.
    """
    kind, number = find(concept)
    found: Tensor = (drawings.digits if kind == "digits" else drawings.styles) == number
    return found
