"""The single-layer update as a file, and its effect on a model."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from slug_lightning.atomic import atomic_path
from slug_lightning.errors import BadDataError, NonFiniteError
from slug_lightning.hosts.live import is_host, live_sites
from slug_lightning.hosts.spelling import split
from slug_lightning.models import get_layer
from slug_lightning.models.layers import TowerName, tower_of
from slug_lightning.patch.checks import check_tower, check_weight, fingerprint
from slug_lightning.patch.choosing import choose_site
from slug_lightning.tensor_file import read_tensor_file

Model = TypeVar("Model")  # any host; the context manager gives back what it is given

FORMAT_VERSION = "1"
HEADER = (
    "format_version", "method", "concept", "layer", "tower", "step", "loss", "direction", "base_model",
    "base_fingerprint", "base_samples", "data_digest", "seed", "package_version", "created",
)  # fmt: skip


@dataclass(frozen=True)
class Undo:
    """Holds the originals of the tensors that were edited in place.

    Attributes:
        weights: The edited tensors of the model; several where a host splits the layer.
        originals: Copies of them from before.
        forced: What ``force`` has overridden, as sentences; empty if the model was the patch's own.
    """

    weights: tuple[Tensor, ...]
    originals: tuple[Tensor, ...]
    forced: tuple[str, ...] = ()

    def revert_(self) -> None:
        """Copy the originals back, bit for bit."""
        with torch.no_grad():
            for weight, original in zip(self.weights, self.originals, strict=True):
                weight.copy_(original)


@dataclass(frozen=True)
class Patch:
    """One update of one layer.

    Attributes:
        update: What is added to the weight, ``step * g_f``, in the weight's shape, float32.
        header: Strings that say what it is and where it comes from; see ``HEADER``.

    Example:
        ``with Patch.load("patch.safetensors").applied(pipeline): images = pipeline(prompts).images``
    """

    update: Tensor
    header: Mapping[str, str]

    @classmethod
    def create(
        cls, model: nn.Module, layer: str, direction: Tensor, step: float, about: Mapping[str, str]
    ) -> "Patch":
        """The patch for ``theta + step * direction`` at the original weights.

        Args:
            model: The model with its original weights; it is fingerprinted, not changed.
            layer: Canonical layer name.
            direction: Mean forget gradient of the layer.
            step: Positive step.
            about: Header entries that the caller knows: ``concept``, ``base_model``, ``data_digest``,
                ``seed``, ``created``, ``package_version``.
        """
        weight = get_layer(model, layer)
        header = {
            "format_version": FORMAT_VERSION,
            "method": "slug",
            "layer": layer,
            "tower": tower_of(layer),
            "step": repr(float(step)),
            "loss": "mean over forget pairs of 1 - cos(image, caption)",
            "direction": "theta + update raises the loss",
            **fingerprint(model, layer, weight),
            **about,
        }
        return cls((step * direction).float().cpu().contiguous(), header)

    def __post_init__(self) -> None:
        missing = [key for key in HEADER if key not in self.header]
        if missing:
            msg = f"Expected a patch header with {list(HEADER)}, but {missing} are missing."
            raise BadDataError(msg)
        if not torch.isfinite(self.update).all():
            msg = f"The update of layer {self.layer!r} holds NaN or infinity. Run slug fit again."
            raise NonFiniteError(msg)

    @property
    def layer(self) -> str:
        """Canonical name of the edited layer."""
        return self.header["layer"]

    @property
    def tower(self) -> TowerName:
        """Tower of the edited layer."""
        return tower_of(self.layer)

    @property
    def step(self) -> float:
        """The positive step."""
        return float(self.header["step"])

    def save(self, path: Path | str) -> None:
        """Write ``patch.safetensors``: the tensor ``update`` and the header."""
        with atomic_path(path) as draft:
            save_file({"update": self.update}, draft, metadata=dict(self.header))

    @classmethod
    def load(cls, path: Path | str) -> "Patch":
        """Read what ``save`` wrote.

        Raises:
            DataNotFoundError: If there is no such file.
            BadDataError: If the file is cut short or of another kind.
        """
        tensors, header = read_tensor_file(path, "patch")
        if header.get("format_version", "").startswith("whole"):
            msg = (
                f"{str(path)!r} holds the updates of {header.get('layers')} layers (method "
                f"{header.get('method')!r}), but a patch has one. Measure it with slug validate --patch, or "
                "apply it with slug_lightning.patch.WholePatch."
            )
            raise BadDataError(msg)
        if "update" not in tensors:
            msg = f"{str(path)!r} is not a patch file: it holds {sorted(tensors)[:3]}, no 'update'."
            raise BadDataError(msg)
        if header.get("format_version") != FORMAT_VERSION:
            msg = (
                f"{str(path)!r} has patch format {header.get('format_version')!r}, but this version reads "
                f"{FORMAT_VERSION!r}. Use the version of slug_lightning that wrote it."
            )
            raise BadDataError(msg)
        return cls(tensors["update"], header)

    def check(self, model: nn.Module, force: bool = False) -> list[str]:
        """Refuse an open_clip model that the patch was not made for; arguments and errors as of ``apply_``.

        Returns:
            What ``force`` has overridden.
        """
        weight = get_layer(model, self.layer)
        return [
            *check_weight(weight, self.update, self.header, force),
            *check_tower(model, self.header, force),
        ]

    def edited(self, weight: Tensor) -> Tensor:
        """The weight with the update added, in the weight's dtype.

        Args:
            weight: The layer in its canonical shape.
        """
        exact = weight.to(torch.promote_types(weight.dtype, torch.float32))
        return (exact + self.update.to(weight.device)).to(weight.dtype)

    def apply_(self, model: Any, force: bool = False) -> Undo:
        """Edit a model or pipeline in place.

        Args:
            model: With the base weights, in any floating dtype: open_clip model, CLIP or LLaVA of
                transformers, or Stable Diffusion pipeline of diffusers.
            force: Apply although the weights are not those that the patch was made on; ``Undo.forced`` says
                what differs.

        Returns:
            What undoes it: ``undo.revert_()``.

        Raises:
            LayerNotFoundError: If the model has no such layer.
            UnreadLayerError: If the host does not read the layer.
            PatchMismatchError: If its weights are others than the patch was made on.
            HostError: If it is not a model that patches can be applied to.
        """
        if isinstance(model, nn.Module) and not is_host(model):
            forced, weight = self.check(model, force), get_layer(model, self.layer)
            changes: list[tuple[Tensor, Tensor]] = [(weight, self.edited(weight.detach()))]
        else:
            fit = choose_site(self.update, self.header, live_sites(model), force)
            parts, forced = split(self.edited(fit.weight), fit.site.pieces(self.layer)), list(fit.forced)
            changes = [(fit.site.tensors[name], part) for name, part in parts.items()]
        weights = tuple(weight for weight, _ in changes)
        undo = Undo(weights, tuple(weight.detach().clone() for weight in weights), tuple(forced))
        with torch.no_grad():
            for target, part in changes:
                target.copy_(part)
        return undo

    @contextmanager
    def applied(self, model: Model, force: bool = False) -> Iterator[Model]:
        """The patched model or pipeline inside the ``with`` block; afterwards the original, bit for bit.

        Args:
            model: See ``apply_``.
            force: See ``apply_``.
        """
        undo = self.apply_(model, force)
        try:
            yield model
        finally:
            undo.revert_()
