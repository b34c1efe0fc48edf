"""An edit of many layers as a file: what the methods leave behind that SLUG is compared with."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from slug_lightning.atomic import atomic_path
from slug_lightning.errors import BadDataError, NonFiniteError, PatchMismatchError
from slug_lightning.models import get_layer, tower_digest
from slug_lightning.patch.patch import Patch
from slug_lightning.tensor_file import read_tensor_file

FORMAT_VERSION = "whole-1"
PREFIX = "update/"
HEADER = (
    "format_version", "method", "concept", "setting", "layers", "base_model", "base_fingerprint",
    "data_digest", "seed", "package_version", "created",
)  # fmt: skip


@dataclass(frozen=True)
class WholePatch:
    """Updates of many layers of an open_clip model, one tensor per edited parameter.

    Attributes:
        updates: What is added to each weight, in its shape, float32.
        header: Strings that say what it is and where it comes from; see ``HEADER``.
    """

    updates: Mapping[str, Tensor]
    header: Mapping[str, str]

    @classmethod
    def create(
        cls, model: nn.Module, updates: Mapping[str, Tensor], about: Mapping[str, str]
    ) -> "WholePatch":
        """The patch for ``theta + update`` at the original weights.

        Args:
            model: The model with its original weights; it is fingerprinted, not changed.
            updates: By canonical layer name.
            about: Header entries that the caller knows.
        """
        header = {
            "format_version": FORMAT_VERSION,
            "layers": str(len(updates)),
            "base_fingerprint": json.dumps(_digests(model)),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            **about,
        }
        return cls({n: u.detach().float().cpu().contiguous() for n, u in updates.items()}, header)

    def __post_init__(self) -> None:
        missing = [key for key in HEADER if key not in self.header]
        if missing or not self.updates:
            what = f"{missing} are missing" if missing else "there is no update"
            raise BadDataError(f"Expected updates and a header with {list(HEADER)}, but {what}.")
        for name, update in self.updates.items():
            if not torch.isfinite(update).all():
                raise NonFiniteError(
                    f"The update of layer {name!r} holds NaN or infinity. Run slug fit again."
                )

    def save(self, path: Path | str) -> None:
        """Write the file: a tensor ``update/<layer>`` per edited parameter, and the header."""
        tensors = {PREFIX + name: update for name, update in self.updates.items()}
        with atomic_path(path) as draft:
            save_file(tensors, draft, metadata=dict(self.header))

    @classmethod
    def load(cls, path: Path | str) -> "WholePatch":
        """Read what ``save`` wrote.

        Raises:
            DataNotFoundError: If there is no such file.
            BadDataError: If the file is cut short or of another kind.
        """
        tensors, header = read_tensor_file(path, "patch")
        if header.get("format_version") != FORMAT_VERSION:
            raise BadDataError(
                f"{str(path)!r} has patch format {header.get('format_version')!r}, but a patch of many "
                f"layers has {FORMAT_VERSION!r}. Use Patch.load for one of a single layer."
            )
        return cls({name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}, header)

    def check(self, model: nn.Module) -> None:
        """Refuse a model that the patch was not made for.

        Raises:
            LayerNotFoundError: If it lacks a layer.
            PatchMismatchError: If its weights are others than the patch was made on.
        """
        base = self.header["base_model"]
        for name, update in self.updates.items():
            weight = get_layer(model, name)
            if weight.shape != update.shape:
                raise PatchMismatchError(
                    f"Patch for layer {name!r} of {base!r} has shape {tuple(update.shape)}, but the model's "
                    f"layer has {tuple(weight.shape)}. Apply it to {base!r}."
                )
        if _digests(model) != json.loads(self.header["base_fingerprint"]):
            raise PatchMismatchError(
                f"The weights of this model are not those that the patch was made on (base model {base!r}). "
                "Load that model, in float32, or run slug fit on this one."
            )

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[nn.Module]:
        """The patched model inside the ``with`` block; afterwards the original, bit for bit.

        Args:
            model: open_clip model with the base weights, in float32.

        Raises:
            LayerNotFoundError: As ``check``.
            PatchMismatchError: As ``check``.
        """
        self.check(model)
        weights = {name: get_layer(model, name) for name in self.updates}
        originals = {name: weight.detach().clone() for name, weight in weights.items()}
        try:
            with torch.no_grad():
                for name, weight in weights.items():
                    weight.copy_(originals[name] + self.updates[name].to(weight.device))
            yield model
        finally:
            with torch.no_grad():
                for name, weight in weights.items():
                    weight.copy_(originals[name])


def load_patch(path: Path | str) -> Patch | WholePatch:
    """A patch of either kind.

    Raises:
        DataNotFoundError: If there is no such file.
        BadDataError: If it is no patch.
    """
    _, header = read_tensor_file(path, "patch")
    return WholePatch.load(path) if header.get("format_version") == FORMAT_VERSION else Patch.load(path)


def _digests(model: nn.Module) -> dict[str, str]:
    return {"vision": tower_digest(model, "vision"), "text": tower_digest(model, "text")}
