"""Sums of gradients per role, and the frozen means they end in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from slug_lightning.atomic import atomic_path
from slug_lightning.errors import BadDataError, NonFiniteError
from slug_lightning.tensor_file import read_tensor_file
from slug_lightning.unlearning.moments import Moments
from slug_lightning.unlearning.set_aside import set_aside

Role = Literal["forget", "retain"]
ROLES: tuple[Role, Role] = ("forget", "retain")
FORMAT_VERSION = "1"


@dataclass(frozen=True)
class RoleMean:
    """One role's part of ``Gradients``.

    Attributes:
        gradients: Mean gradient by layer.
        pairs: Number of pairs behind it.
        loss: Mean loss.
        skipped: Counts of unusable pairs by reason.
    """

    gradients: Mapping[str, Tensor]
    pairs: int
    loss: float
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Gradients:
    """Mean gradients of both losses at the original weights.

    Attributes:
        forget: Mean gradient of the forget loss over the forget pairs, by layer. Adding it raises the loss.
        retain: Mean gradient of the InfoNCE over the retain pairs, by layer.
        pairs: Number of pairs behind each role's mean.
        losses: Mean loss of each role.
        header: What else the file says: base model, fingerprints, digests, settings, seed.
        directions: Directions of the update by layer, where they are not the forget gradients.
    """

    forget: Mapping[str, Tensor]
    retain: Mapping[str, Tensor]
    pairs: Mapping[Role, int]
    losses: Mapping[Role, float]
    header: Mapping[str, str] = field(default_factory=dict)
    directions: Mapping[str, Tensor] = field(default_factory=dict)

    def direction(self, layer: str) -> Tensor:
        """Direction of the update of a layer: the forget gradient, unless there is another one."""
        return self.directions.get(layer, self.forget[layer])

    @property
    def layers(self) -> list[str]:
        """Names of the layers, in model order."""
        return list(self.forget)

    def save(self, path: Path | str) -> None:
        """Write ``gradients.safetensors``: tensors ``forget/<layer>``, ``retain/<layer>``, float32.

        Directions that are not the forget gradients are ``direction/<layer>``.
        """
        tensors = {f"forget/{name}": tensor.cpu().contiguous() for name, tensor in self.forget.items()}
        tensors |= {f"retain/{name}": tensor.cpu().contiguous() for name, tensor in self.retain.items()}
        tensors |= {f"direction/{name}": d.cpu().contiguous() for name, d in self.directions.items()}
        header = {
            **self.header,
            "format_version": FORMAT_VERSION,
            "content": "mean gradients: forget = d forget loss / d theta, retain = d loss / d theta",
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
        found = {n: tensors[key] for n in names if (key := f"direction/{n}") in tensors}
        return cls(forget, retain, pairs, losses, header, found)


class GradientAccumulator:
    """Adds up gradients of loss *sums* in float32; the mean over samples comes once, at the end.

    Each layer's gradient is added to its sum, and dropped, as soon as backward has it: beyond the sums,
    memory holds one layer's gradient, never all of them. ``.grad`` is empty before and after: nothing of one
    role can leak into the other. A role's sums are on the weights' device from its first batch until they are
    set aside.

    Args:
        weights: The layers by name: leaf tensors that require gradients.
        moments: Takes up the retain gradients of batches, for directions other than the forget gradients.
    """

    def __init__(self, weights: Mapping[str, Tensor], moments: Moments | None = None) -> None:
        self.weights, self.moments = dict(weights), moments
        self.sums: dict[Role, dict[str, Tensor]] = {
            role: {name: torch.zeros(()).expand(w.shape) for name, w in weights.items()} for role in ROLES
        }
        self.pairs: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self.loss_sums: dict[Role, float] = dict.fromkeys(ROLES, 0.0)

    def backward(self, role: Role, loss: Tensor, pairs: int, batch: str, scale: float = 1.0) -> None:
        """Add the gradient of one batch's loss sum.

        Args:
            role: ``forget`` or ``retain``.
            loss: Loss summed over the pairs of the batch, with its graph.
            pairs: Number of pairs in the batch.
            batch: What to call the batch in an error.
            scale: Power of two that multiplies the loss and divides the gradients, for float16.

        Raises:
            NonFiniteError: Naming the layer and the batch; the sums are then of no use.
        """
        totals: dict[str, Tensor] = {}
        self.bring(role)

        def take(name: str, weight: Tensor) -> None:
            gradient, weight.grad = weight.grad, None
            assert gradient is not None
            self.sums[role][name].add_(gradient, alpha=1 / scale)
            if self.moments is not None and role == "retain":
                self.moments.add(name, gradient.float() / scale, pairs)
            totals[name] = gradient.sum(dtype=torch.float32)  # NaN or infinite as soon as one entry is

        hooks = [
            weight.register_post_accumulate_grad_hook(partial(take, name))  # type: ignore[no-untyped-call]
            for name, weight in self.weights.items()
        ]
        try:
            (loss * scale).backward()  # type: ignore[no-untyped-call]
        finally:
            for hook in hooks:
                hook.remove()
        self._check(totals, role, batch)
        self.pairs[role] += pairs
        self.loss_sums[role] += float(loss.detach())

    def _check(self, totals: Mapping[str, Tensor], role: Role, batch: str) -> None:
        if not totals:
            return
        finite = torch.stack(list(totals.values())).isfinite()  # one wait for the device, not one a layer
        if bool(finite.all()):
            return
        broken = {name for name, fine in zip(totals, finite.tolist(), strict=True) if not fine}
        layer = next(name for name in self.weights if name in broken)
        msg = (
            f"The {role} gradient of layer {layer!r} is NaN or infinite in {batch}. Look at its images, "
            "or run with --trainer.precision 32-true; no model was changed."
        )
        raise NonFiniteError(msg)

    def bring(self, role: Role) -> None:
        """Have the sums of a role in memory of the weights' device; zeros take none before."""
        sums = self.sums[role]
        for name, weight in self.weights.items():
            sums[name] = sums[name].to(weight.device).contiguous()

    def set_aside(self, role: Role, folder: Path) -> None:
        """Have the finished sums of a role out of the way; see ``set_aside``."""
        self.sums[role] = set_aside(self.sums[role], folder)

    def reduce_(self, role: Role, all_sum: Callable[[Tensor], Tensor], keep: bool = True) -> None:
        """Sum over processes, in float64, layer by layer (memory: one layer).

        Args:
            role: The role to sum.
            all_sum: Collective that sums a tensor over processes.
            keep: Whether this process goes on with the totals, or from zero because another one does.
        """
        self.bring(role)
        for total in self.sums[role].values():
            summed = all_sum(total.double())
            total.copy_(summed) if keep else total.zero_()
        if self.moments is not None and role == "retain":
            self.moments.reduce_(self.weights, all_sum)
        device = next(iter(self.sums[role].values())).device
        scalars = torch.tensor([self.pairs[role], self.loss_sums[role]], dtype=torch.float64, device=device)
        pairs, loss = all_sum(scalars).tolist()
        self.pairs[role], self.loss_sums[role] = (round(pairs), loss) if keep else (0, 0.0)

    def finish(
        self, header: Mapping[str, str] | None = None, known: Mapping[Role, RoleMean] | None = None
    ) -> Gradients:
        """Means over samples. The sums make room for them one by one; the accumulator is empty afterwards.

        Args:
            header: What the file is to say.
            known: Roles whose means are there already.

        Raises:
            BadDataError: If a role saw no pair.
        """
        known = known or {}
        for role in ROLES:
            if role not in known and self.pairs[role] == 0:
                msg = (
                    f"Expected at least one {role} pair, but none could be used. "
                    f"Check data.{role}_shards and the counts of skipped pairs."
                )
                raise BadDataError(msg)
        sums, self.sums = self.sums, {}
        means = {role: known[role] if role in known else self._mean(role, sums[role]) for role in ROLES}
        return Gradients(
            means["forget"].gradients,
            means["retain"].gradients,
            {role: mean.pairs for role, mean in means.items()},
            {role: mean.loss for role, mean in means.items()},
            header or {},
            {} if self.moments is None else self.moments.directions(means["forget"].gradients),
        )

    def _mean(self, role: Role, sums: dict[str, Tensor]) -> RoleMean:
        pairs = self.pairs[role]
        for name in sums:
            sums[name] = sums[name] / pairs
        return RoleMean(sums, pairs, self.loss_sums[role] / pairs)
