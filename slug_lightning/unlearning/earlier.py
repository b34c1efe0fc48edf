"""What earlier runs have done of a gradient pass: all of it, the retain role, or a part."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from slug_lightning.unlearning.finished import find_gradients, find_retain
from slug_lightning.unlearning.gradients import ROLES, Gradients, Role, RoleMean
from slug_lightning.unlearning.processes import Processes
from slug_lightning.unlearning.progress import Progress, progress_file


@dataclass(frozen=True)
class Earlier:
    """What is left to do follows from it.

    Attributes:
        gradients: Of a finished run with the same model, data and settings.
        retain: Retain means of a run of another concept that kept the same pairs.
        progress: Of a killed run with the same key; on the first process only.
        groups: Groups that ``progress`` holds, by role.
        source: File that gradients or retain means were read from.
    """

    gradients: Gradients | None = None
    retain: RoleMean | None = None
    progress: Progress | None = None
    groups: Mapping[Role, int] | None = None
    source: Path | None = None


Found = tuple[Path | None, Path | None, Progress | None]


def look_back(
    runs: Path, key: str, retain_key: str, totals: Mapping[Role, int], processes: Processes
) -> Found:
    """Look on the first process: gradients of both roles, those of the retain role, or progress.

    Args:
        runs: Holds the folders of the concept's runs, beside those of other concepts.
        key: What the gradients are of.
        retain_key: What the retain gradients are of.
        totals: Number of groups by role, for the message.
        processes: The processes.
    """
    if not processes.first:
        return None, None, None
    finished = find_gradients(runs, key)
    if finished is not None:
        rank_zero_info(f"Gradients of the same model, data and settings are reused: {finished}")
        return finished, None, None
    retain = find_retain(runs.parent, retain_key)
    if retain is not None:
        rank_zero_info(f"Retain gradients of the same model, pairs and settings are reused: {retain}")
    progress = Progress.load(progress_file(runs, key), key)
    if progress is not None:
        of = ", ".join(f"{progress.groups[r]} of {totals[r]} {r} groups" for r in ROLES)
        rank_zero_info(f"The gradient pass goes on where an earlier run was ended: {of} are done.")
    return None, retain, progress


def share(found: Found, weights: Mapping[str, Tensor], processes: Processes) -> Earlier:
    """Read on the first process what it found, and give it to all."""
    finished, retain, progress = found
    source = processes.from_first(finished or retain)
    groups = processes.from_first(dict(progress.groups) if progress else {})
    if source is None:
        return Earlier(progress=progress, groups=groups)
    own = Gradients.load(source) if processes.first else None
    both = processes.from_first(finished is not None)
    roles: tuple[Role, ...] = ROLES if both else ("retain",)
    means = {role: _mean(own, role, weights, processes) for role in roles}
    if not both:
        return Earlier(retain=means["retain"], progress=progress, groups=groups, source=source)
    header = processes.from_first(own.header if own else None)
    gradients = Gradients(
        means["forget"].gradients,
        means["retain"].gradients,
        {role: mean.pairs for role, mean in means.items()},
        {role: mean.loss for role, mean in means.items()},
        header,
        _directions(own, weights, processes),
    )
    return Earlier(gradients, source=source)


def _directions(
    own: Gradients | None, weights: Mapping[str, Tensor], processes: Processes
) -> dict[str, Tensor]:
    """Those of the first process, on each."""
    names = processes.from_first(sorted(own.directions) if own else None)
    found = own.directions if own else {}
    directions = {
        name: found.get(name, torch.empty_like(weights[name], dtype=torch.float32)) for name in names
    }
    for tensor in directions.values():
        processes.copy_from_first_(tensor)
    return {name: tensor.detach() for name, tensor in directions.items()}


def _mean(own: Gradients | None, role: Role, weights: Mapping[str, Tensor], processes: Processes) -> RoleMean:
    about = None
    if own is not None:
        skipped = json.loads(own.header["data"])[role]["skipped"]
        about = own.pairs[role], own.losses[role], skipped
    pairs, loss, skipped = processes.from_first(about)
    found = getattr(own, role) if own is not None else {}
    tensors = {
        name: found.get(name, torch.empty_like(w, dtype=torch.float32, requires_grad=False))
        for name, w in weights.items()
    }
    for tensor in tensors.values():
        processes.copy_from_first_(tensor)
    return RoleMean(tensors, pairs, loss, skipped)
