"""The single-layer update as a file, and its effect on a model."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from slug_lightning.atomic import atomic_path
from slug_lightning.errors import BadDataError, NonFiniteError
from slug_lightning.models import get_layer
from slug_lightning.models.layers import TowerName, tower_of
from slug_lightning.patch.checks import check_tower, check_weight, fingerprint
from slug_lightning.tensor_file import read_tensor_file

FORMAT_VERSION = "1"
HEADER = (
    "format_version", "method", "concept", "layer", "tower", "step", "loss", "direction", "base_model",
    "base_fingerprint", "base_samples", "data_digest", "seed", "package_version", "created",
)  # fmt: skip


@dataclass(frozen=True)
class Undo:
    """Holds the original of a weight that was edited in place."""

    weight: Tensor
    original: Tensor

    def revert_(self) -> None:
        """Copy the original back, bit for bit."""
        with torch.no_grad():
            self.weight.copy_(self.original)


@dataclass(frozen=True)
class Patch:
    """One update of one layer.

    Attributes:
        update: What is added to the weight, ``step * g_f``, in the weight's shape, float32.
        header: Strings that say what it is and where it comes from; see ``HEADER``.

    Example:
        ``with Patch.load("patch.safetensors").applied(model): evaluate(model)``
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

    def check(self, model: nn.Module, force: bool = False) -> None:
        """Refuse a model that the patch was not made for; arguments and errors as of ``apply_``."""
        weight = get_layer(model, self.layer)
        check_weight(weight, self.update, self.header)
        if not force and weight.dtype == torch.float32:
            check_tower(model, self.header)

    def apply_(self, model: nn.Module, force: bool = False) -> Undo:
        """Edit the model in place.

        Args:
            model: open_clip model with the base weights, in any floating dtype.
            force: Apply although other weights of the tower differ from the base.

        Returns:
            What undoes it: ``undo.revert_()``.

        Raises:
            LayerNotFoundError: If the model has no such layer.
            PatchMismatchError: If its weights are others than the patch was made on.
        """
        self.check(model, force)
        weight = get_layer(model, self.layer)
        undo = Undo(weight, weight.detach().clone())
        with torch.no_grad():
            weight.copy_(undo.original.float() + self.update.to(weight.device))
        return undo

    @contextmanager
    def applied(self, model: nn.Module, force: bool = False) -> Iterator[nn.Module]:
        """The patched model inside the ``with`` block; afterwards the original, bit for bit."""
        undo = self.apply_(model, force)
        try:
            yield model
        finally:
            undo.revert_()
