"""Prompts that name a digit and a style, and the text states that a denoiser reads for them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from slug_lightning.miniature.captions import BOTH, DIGIT_ONLY, STYLE_ONLY
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.styles import STYLES

PROMPT = "a {style} of a {digit}"  # one of the captions of the training shards
COUNT = len(DIGIT_WORDS) * len(STYLES)
WORDINGS = (*BOTH, *DIGIT_ONLY, *STYLE_ONLY)


def all_prompts(template: str = PROMPT) -> list[str]:
    """The prompt of every digit in every style: number ``10 * digit + style``.

    Example:
        >>> all_prompts()[71]
        'a chalk drawing of a seven'
    """
    return [
        template.format(digit=digit, style=style.name, medium=style.medium)
        for digit in DIGIT_WORDS
        for style in STYLES
    ]


def training_states(tokenizer: Any, text_encoder: Any) -> Tensor:
    """Text states of every prompt in each of ``WORDINGS``; some of them leave the digit or the style out.

    Returns:
        Shape ``(wordings + 1, 100, T, D)``; the last row is the empty prompt, 100 times.
    """
    states = [encode_prompts(all_prompts(template), tokenizer, text_encoder) for template in WORDINGS]
    empty = encode_prompts([""], tokenizer, text_encoder).expand(COUNT, -1, -1)
    return torch.stack([*states, empty])


@torch.no_grad()
def encode_prompts(prompts: Sequence[str], tokenizer: Any, text_encoder: Any) -> Tensor:
    """Last hidden states ``(N, T, D)``, as ``StableDiffusionPipeline`` computes them."""
    inputs = tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt")
    states: Tensor = text_encoder(input_ids=inputs.input_ids).last_hidden_state
    return states
