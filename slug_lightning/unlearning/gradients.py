"""Sums of gradients per role, and the frozen means they end in."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from slug_lightning.atomic import atomic_path
from slug_lightning.errors import BadDataError, NonFiniteError
from slug_lightning.tensor_file import read_tensor_file

Role = Literal["forget", "retain"]
ROLES: tuple[Role, Role] = ("forget", "retain")
FORMAT_VERSION = "1"


@dataclass(frozen=True)
class Gradients:
    """Mean gradients of both losses at the original weights.

    Attributes:
        forget: Mean gradient of ``1 - cos`` over the forget pairs, by layer. Adding it raises the loss.
        retain: Mean gradient of the InfoNCE over the retain pairs, by layer.
        pairs: Number of pairs behind each role's mean.
        losses: Mean loss of each role.
        header: What else the file says: base model, fingerprints, digests, settings, seed.
    """

    forget: Mapping[str, Tensor]
    retain: Mapping[str, Tensor]
    pairs: Mapping[Role, int]
    losses: Mapping[Role, float]
    header: Mapping[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> list[str]:
        """Names of the layers, in model order."""
        return list(self.forget)

    def save(self, path: Path | str) -> None:
        """Write ``gradients.safetensors``: tensors ``forget/<layer>`` and ``retain/<layer>``, float32."""
        tensors = {f"forget/{name}": tensor.cpu().contiguous() for name, tensor in self.forget.items()}
        tensors |= {f"retain/{name}": tensor.cpu().contiguous() for name, tensor in self.retain.items()}
        header = {
            **self.header,
            "format_version": FORMAT_VERSION,
            "content": "mean gradients: forget = d mean(1 - cos) / d theta, retain = d InfoNCE / d theta",
            "layers": json.dumps(self.layers),
            "pairs": json.dumps(dict(self.pairs)),
            "losses": json.dumps(dict(self.losses)),
        }
        with atomic_path(path) as draft:
            save_file(tensors, draft, metadata=header)

    @classmethod
    def load(cls, path: Path | str) -> "Gradients":
        """Read what ``save`` wrote.

        Raises:
            DataNotFoundError: If there is no such file.
            BadDataError: If the file is cut short or of another kind.
        """
        tensors, header = read_tensor_file(path, "gradients")
        try:
            names: list[str] = json.loads(header.pop("layers"))
            pairs, losses = json.loads(header.pop("pairs")), json.loads(header.pop("losses"))
            forget, retain = ({n: tensors[f"{role}/{n}"] for n in names} for role in ROLES)
        except (KeyError, ValueError) as error:
            msg = f"{str(path)!r} is not a gradients file of slug_lightning ({error}). Run slug fit again."
            raise BadDataError(msg) from error
        return cls(forget, retain, pairs, losses, header)


class GradientAccumulator:
    """Adds up gradients of loss *sums* in float32; the mean over samples comes once, at the end.

    Both roles have their own sums, and gradients come in as values, never through ``.grad``: nothing of
    one role can leak into the other.

    Args:
        shapes: A tensor of the right shape and device per layer, usually the weights themselves.
    """

    def __init__(self, shapes: Mapping[str, Tensor]) -> None:
        self.sums: dict[Role, dict[str, Tensor]] = {
            role: {
                name: torch.zeros_like(tensor, dtype=torch.float32, requires_grad=False)
                for name, tensor in shapes.items()
            }
            for role in ROLES
        }
        self.pairs: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self.loss_sums: dict[Role, float] = dict.fromkeys(ROLES, 0.0)

    @torch.no_grad()
    def add(self, role: Role, gradients: Sequence[Tensor], loss_sum: float, pairs: int, batch: str) -> None:
        """Add the gradient of one batch's loss sum.

        Args:
            role: ``forget`` or ``retain``.
            gradients: One tensor per layer, in the order of ``shapes``.
            loss_sum: Loss summed over the pairs of the batch.
            pairs: Number of pairs in the batch.
            batch: What to call the batch in an error.

        Raises:
            NonFiniteError: Naming the layer and the batch; the sums are left as they were.
        """
        names = list(self.sums[role])
        finite = torch.stack([gradient.isfinite().all() for gradient in gradients])
        if not bool(finite.all()):
            layer = names[int(finite.int().argmin())]
            msg = (
                f"The {role} gradient of layer {layer!r} is NaN or infinite in {batch}. Look at its images, "
                "or run with --trainer.precision 32-true; nothing was changed."
            )
            raise NonFiniteError(msg)
        for name, gradient in zip(names, gradients, strict=True):
            self.sums[role][name] += gradient
        self.pairs[role] += pairs
        self.loss_sums[role] += loss_sum

    def reduce_(self, role: Role, all_sum: Callable[[Tensor], Tensor]) -> None:
        """Sum over processes, in float64, layer by layer (memory: one layer).

        Args:
            role: The role that is complete on all processes.
            all_sum: Collective that sums a tensor over processes.
        """
        for total in self.sums[role].values():
            total.copy_(all_sum(total.double()))
        device = next(iter(self.sums[role].values())).device
        scalars = torch.tensor([self.pairs[role], self.loss_sums[role]], dtype=torch.float64, device=device)
        pairs, loss = all_sum(scalars).tolist()
        self.pairs[role], self.loss_sums[role] = round(pairs), loss

    def finish(self, header: Mapping[str, str] | None = None) -> Gradients:
        """Means over samples. The sums turn into them in place; the accumulator is empty afterwards.

        Raises:
            BadDataError: If a role saw no pair.
        """
        for role in ROLES:
            if self.pairs[role] == 0:
                msg = (
                    f"Expected at least one {role} pair, but none could be used. "
                    f"Check data.{role}_shards and the counts of skipped pairs."
                )
                raise BadDataError(msg)
        means, self.sums = self.sums, {}
        for role, totals in means.items():
            for total in totals.values():
                total.div_(self.pairs[role])
        losses = {role: self.loss_sums[role] / self.pairs[role] for role in ROLES}
        return Gradients(means["forget"], means["retain"], dict(self.pairs), losses, header or {})
