"""What a gradient pass has done so far, as a file: a run that was killed goes on from it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from slug_lightning.atomic import atomic_path
from slug_lightning.errors import SlugError
from slug_lightning.tensor_file import read_tensor_file
from slug_lightning.unlearning.gradients import ROLES, Role


@dataclass(frozen=True)
class Progress:
    """Sums over a part of the pairs, over all processes.

    Attributes:
        sums: Sum of gradients, float32, by role and layer.
        pairs: Pairs behind the sums, by role.
        loss_sums: Loss over those pairs, by role.
        groups: Groups that are in the sums, by role, counted from the first.
        skipped: Counts of unusable pairs by role and reason.
    """

    sums: Mapping[Role, Mapping[str, Tensor]]
    pairs: Mapping[Role, int]
    loss_sums: Mapping[Role, float]
    groups: Mapping[Role, int]
    skipped: Mapping[str, Mapping[str, int]]

    def save(self, path: Path, key: str) -> None:
        """Write it, whole or not at all; float32 sums come back bit for bit.

        Args:
            path: The file; an older one is replaced.
            key: What the gradients are of.
        """
        tensors = {
            f"{role}/{name}": total.cpu().contiguous()
            for role, some in self.sums.items()
            for name, total in some.items()
        }
        counts = {
            "pairs": dict(self.pairs),
            "loss_sums": {role: value.hex() for role, value in self.loss_sums.items()},
            "groups": dict(self.groups),
            "skipped": {role: dict(some) for role, some in self.skipped.items()},
        }
        with atomic_path(path) as draft:
            save_file(tensors, draft, metadata={"key": key, "counts": json.dumps(counts)})

    @classmethod
    def load(cls, path: Path, key: str) -> "Progress | None":
        """Read it; ``None`` if there is none, or one of something else."""
        try:
            tensors, header = read_tensor_file(path, "progress")
            if header["key"] != key:
                return None
            counts = json.loads(header["counts"])
            loss_sums = {role: float.fromhex(value) for role, value in counts["loss_sums"].items()}
        except (SlugError, LookupError, ValueError):
            return None
        sums: dict[Role, dict[str, Tensor]] = {role: {} for role in ROLES}
        for name, tensor in tensors.items():
            role, layer = name.split("/", 1)
            sums[role][layer] = tensor  # type: ignore[index]
        return cls(sums, counts["pairs"], loss_sums, counts["groups"], counts["skipped"])


def progress_file(folder: Path, key: str) -> Path:
    """Where the progress towards the gradients of ``key`` is kept."""
    return folder / f".progress-{key[:16]}.safetensors"
