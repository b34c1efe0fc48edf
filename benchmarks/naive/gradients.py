"""Gradients of every parameter in a plain loop."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.measuring import Meter
from benchmarks.setting import Setting
from slug_lightning.data.captions import names_concept
from slug_lightning.data.shards import iter_pairs
from slug_lightning.models import Clip


def mean_gradients(clip: Clip, setting: Setting, meter: Meter) -> dict[str, dict[str, Tensor]]:
    """Mean gradient of both losses by role and parameter name, over all parameters."""
    return {role: _mean_gradient(clip, setting, role, meter) for role in ("forget", "retain")}


def _mean_gradient(clip: Clip, setting: Setting, role: str, meter: Meter) -> dict[str, Tensor]:
    """One role: zero the gradients, run a batch backwards, add every gradient to a dict of its own."""
    model, seen = clip.model, 0
    total: dict[str, Tensor] = {}
    meter.enter("reading")
    for images, tokens in _batches(clip, setting, role):
        meter.enter("forward")
        model.zero_grad()
        loss = len(images) * _loss(model, images, tokens, role)
        meter.enter("backward")
        loss.backward()  # type: ignore[no-untyped-call]
        meter.enter("adding")
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                continue
            if name not in total:
                total[name] = torch.zeros_like(parameter)
            total[name] += parameter.grad
        seen += len(images)
        meter.enter("reading")
    meter.enter("adding")
    for gradient in total.values():
        gradient /= seen
    return total


def _loss(model: Any, images: Tensor, tokens: Tensor, role: str) -> Tensor:
    """Mean loss of a batch: one minus cosine, or InfoNCE."""
    image, text, scale = model(images, tokens)  # unit embeddings; all 77 tokens
    if role == "forget":
        apart: Tensor = (1 - (image * text).sum(dim=-1)).mean()
        return apart
    logits, target = scale * image @ text.T, torch.arange(len(image))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def _batches(clip: Clip, setting: Setting, role: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and tokens of consecutive samples; pairs that name the concept do not stay."""
    pattern, limit = ("laion/*.tar", setting.retain_limit) if role == "retain" else (setting.forget, None)
    images: list[Tensor] = []
    captions: list[str] = []
    for number, pair in enumerate(iter_pairs(str(Path(setting.root) / pattern))):
        if number == limit:
            break
        if number % setting.batch == 0 and images:
            yield torch.stack(images), clip.tokenize(captions)
            images, captions = [], []
        if role == "forget" or not names_concept(pair.caption, setting.concept):
            images.append(clip.preprocess(pair.image))
            captions.append(pair.caption)
    if images:
        yield torch.stack(images), clip.tokenize(captions)
