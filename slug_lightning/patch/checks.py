"""Whether a patch belongs to the weights at hand."""

import json
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from slug_lightning.errors import PatchMismatchError
from slug_lightning.models import tensor_digest, tower_digest, tower_of

SAMPLES = 64


def sample_values(weight: Tensor) -> list[float]:
    """Up to 64 evenly spaced entries, exact in float32: a host in another dtype is checked by them."""
    flat = weight.detach().flatten()
    index = torch.linspace(0, len(flat) - 1, min(SAMPLES, len(flat)), dtype=torch.float64).long()
    return [float(value) for value in flat[index.to(flat.device)].float().cpu()]


def fingerprint(model: nn.Module, layer: str, weight: Tensor) -> dict[str, str]:
    """Header entries that identify the original weights: hash of layer and tower, and sampled values."""
    digests = {"layer": tensor_digest(weight), "tower": tower_digest(model, tower_of(layer))}
    return {"base_fingerprint": json.dumps(digests), "base_samples": json.dumps(sample_values(weight))}


def check_weight(weight: Tensor, update: Tensor, header: Mapping[str, str]) -> None:
    """Refuse weights the patch was not made for: shape, then bytes (same dtype) or sampled values.

    Raises:
        PatchMismatchError: Saying what differs, or that the patch is already applied.
    """
    layer, base = header["layer"], header["base_model"]
    if weight.shape != update.shape:
        msg = (
            f"Patch for layer {layer!r} of {base!r} has shape {tuple(update.shape)}, "
            f"but the model's layer has {tuple(weight.shape)}. Apply it to {base!r}."
        )
        raise PatchMismatchError(msg)
    digest = json.loads(header["base_fingerprint"])["layer"]
    if weight.dtype == torch.float32 and tensor_digest(weight) == digest:
        return
    original = json.loads(header["base_samples"])
    if weight.dtype != torch.float32 and _close(sample_values(weight), original, weight.dtype):
        return
    shifts = sample_values(update)
    patched = [value + shift for value, shift in zip(original, shifts, strict=True)]
    if any(shifts) and _close(sample_values(weight), patched, weight.dtype):
        msg = f"This patch ({header['concept']!r}, layer {layer!r}) is already applied; nothing was changed."
        raise PatchMismatchError(msg)
    msg = (
        f"Layer {layer!r} of this model is not the one the patch was made on (base model {base!r}, "
        f"fingerprint {digest[:12]}). Load {base!r}, or compute a new patch with slug fit."
    )
    raise PatchMismatchError(msg)


def check_tower(model: nn.Module, header: Mapping[str, str]) -> None:
    """Refuse a model whose edited layer fits but whose tower differs elsewhere.

    Raises:
        PatchMismatchError: The figures of the patch would not hold for this model.
    """
    layer, base = header["layer"], header["base_model"]
    digest = json.loads(header["base_fingerprint"])["tower"]
    if tower_digest(model, tower_of(layer)) != digest:
        msg = (
            f"Layer {layer!r} fits, but other weights of the {tower_of(layer)} tower differ from {base!r} "
            f"(fingerprint {digest[:12]}), so the patch's figures do not hold. Compute a new patch with "
            "slug fit, or apply with --force."
        )
        raise PatchMismatchError(msg)


def _close(values: list[float], expected: list[float], dtype: torch.dtype) -> bool:
    """Equal within one rounding to ``dtype``; subnormals within its smallest normal number."""
    info = torch.finfo(dtype)
    return all(
        abs(a - b) <= info.eps * abs(b) + info.smallest_normal for a, b in zip(values, expected, strict=True)
    )
