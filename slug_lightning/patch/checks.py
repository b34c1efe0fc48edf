"""Whether a patch belongs to the weights at hand."""

import json
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from slug_lightning.errors import PatchMismatchError
from slug_lightning.hosts.activation import activation_of
from slug_lightning.hosts.site import Site
from slug_lightning.models import tensor_digest, tower_digest, tower_of
from slug_lightning.models.layers import TowerName
from slug_lightning.patch.description import (
    KEY,
    close,
    describe_tower,
    differing,
    matches,
    precision_of,
    read_description,
    sample_values,
)


def fingerprint(model: nn.Module, layer: str, weight: Tensor) -> dict[str, str]:
    """Header entries that identify the original weights: hashes, and values for hosts in other dtypes."""
    tower = tower_of(layer)
    other: TowerName = "text" if tower == "vision" else "vision"
    digests = {
        "layer": tensor_digest(weight),
        "tower": tower_digest(model, tower),
        "other_tower": tower_digest(model, other),  # not checked: a host may have one tower alone
    }
    return {
        "base_fingerprint": json.dumps(digests),
        "base_samples": json.dumps(sample_values(weight)),
        KEY: describe_tower(model, tower),
    }


def check_weight(weight: Tensor, update: Tensor, header: Mapping[str, str], force: bool = False) -> list[str]:
    """Refuse weights the patch was not made for: shape, then bytes (same dtype) or sampled values.

    Args:
        weight: The layer at hand, in canonical shape.
        update: The patch's update.
        header: The patch's header.
        force: Take other weights of the same shape all the same.

    Returns:
        What was forced, as sentences; empty if the weights are the patch's own.

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
    if not weight.is_floating_point() or weight.is_meta:
        kind = "not in memory (offloaded)" if weight.is_meta else f"quantised ({weight.dtype})"
        msg = f"Layer {layer!r} is {kind}. Patch the model first, then quantise or offload it."
        raise PatchMismatchError(msg)
    digest = json.loads(header["base_fingerprint"])["layer"]
    original = json.loads(header["base_samples"])
    if matches(weight, digest, original):
        return []
    shifts = sample_values(update)
    patched = [value + shift for value, shift in zip(original, shifts, strict=True)]
    if any(shifts) and close(sample_values(weight), patched, precision_of(weight)):
        msg = f"This patch ({header['concept']!r}, layer {layer!r}) is already applied; nothing was changed."
        raise PatchMismatchError(msg)
    return _refuse(
        f"Layer {layer!r} of this model is not the one the patch was made on (base model {base!r}, "
        f"fingerprint {digest[:12]}).",
        f"Load {base!r}, compute a new patch with slug fit, or apply with --force.",
        force,
    )


def check_tower(model: nn.Module, header: Mapping[str, str], force: bool = False) -> list[str]:
    """Refuse an open_clip model whose edited layer fits but whose tower differs elsewhere.

    Args:
        model: The model at hand, in float32 or, for a patch that describes its tower, in any dtype.
        header: The patch's header.
        force: Take it all the same.

    Returns:
        What was forced, as sentences.

    Raises:
        PatchMismatchError: The figures of the patch would not hold for this model.
    """
    tower = tower_of(header["layer"])
    weights = [(n, w) for n, w in model.named_parameters() if tower_of(n) == tower]
    if all(w.dtype == torch.float32 for _, w in weights):
        digest = json.loads(header["base_fingerprint"])["tower"]
        strange = None if tower_digest(model, tower) == digest else ""
    else:
        described = read_description(header)
        strange = _names(differing(weights, described["layers"])) if described else None
    forced = _tower_differs(header, strange, force)
    return [*forced, *_check_activation(header, activation_of(model, tower), force)]


def check_site(site: Site, header: Mapping[str, str], force: bool = False) -> list[str]:
    """Refuse a host whose edited layer fits but whose other layers of the tower, or activation, differ.

    Args:
        site: The tower in the host; layers that it does not have are not missed.
        header: The patch's header.
        force: Take it all the same.

    Returns:
        What was forced, as sentences.

    Raises:
        PatchMismatchError: The figures of the patch would not hold for this host.
    """
    described = read_description(header)
    if described is None:
        return _refuse(
            f"This patch, of version {header['package_version']}, does not describe the rest of its tower, "
            "so this host cannot be checked.",
            "Compute it again with slug fit, or apply with --force.",
            force,
        )
    weights = ((layer, site.weight(layer)) for layer in site.layers() if layer != header["layer"])
    strange = _names(differing(weights, described["layers"]))
    return [*_tower_differs(header, strange, force), *_check_activation(header, site.activation, force)]


def _names(differing: list[str]) -> str | None:
    return f"; {len(differing)} layers, first {differing[0]!r}" if differing else None


def _tower_differs(header: Mapping[str, str], strange: str | None, force: bool) -> list[str]:
    if strange is None:
        return []
    layer, digest = header["layer"], json.loads(header["base_fingerprint"])["tower"]
    return _refuse(
        f"Layer {layer!r} fits, but other weights of the {tower_of(layer)} tower differ from "
        f"{header['base_model']!r} (fingerprint {digest[:12]}{strange}), so the patch's figures do not hold.",
        "Compute a new patch with slug fit, or apply with --force.",
        force,
    )


def _check_activation(header: Mapping[str, str], found: str | None, force: bool) -> list[str]:
    wanted = (read_description(header) or {}).get("activation")
    if found is None or wanted is None or found == wanted:
        return []
    return _refuse(
        f"The weights fit, but this host's activation is {found!r} and that of {header['base_model']!r} was "
        f"{wanted!r} when the patch was made, so the patch's figures do not hold.",
        "Compute a new patch on the right architecture (-quickgelu in open_clip), or apply with --force.",
        force,
    )


def _refuse(fact: str, advice: str, force: bool) -> list[str]:
    if not force:
        raise PatchMismatchError(f"{fact} {advice}")
    return [fact]
