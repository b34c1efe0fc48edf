"""The pairs of a request in memory, for methods that see them more than once."""

from collections.abc import Iterator
from typing import Any

import torch

from slug_lightning.errors import BadDataError, SettingError
from slug_lightning.unlearning.gradients import ROLES, Role

Batch = dict[str, Any]


class RememberedPairs:
    """Batches of both roles as the loader gave them, on the device they came on.

    Args:
        most_bytes: Bound on the memory of images.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes, self._bytes = most_bytes, 0
        self.batches: dict[Role, list[Batch]] = {role: [] for role in ROLES}
        self.skipped: dict[Role, dict[str, int]] = {role: {} for role in ROLES}

    def add(self, batch: Batch) -> None:
        """Take up a batch; an empty one has only counts.

        Raises:
            SettingError: If the images do not fit.
        """
        role: Role = batch["role"]
        for reason, count in batch["skipped"].items():
            self.skipped[role][reason] = self.skipped[role].get(reason, 0) + count
        if not batch["key"]:
            return
        image = batch["image"]
        self._bytes += image.numel() * image.element_size()
        if self._bytes > self.most_bytes:
            raise SettingError(
                f"Expected the pairs to fit into model.memory_bytes={self.most_bytes:,}, but the first "
                f"{self.pairs('forget') + self.pairs('retain') + len(batch['key']):,} take more. Use fewer, "
                "with --data.retain_sample N, or raise it."
            )
        self.batches[role].append(batch)

    def pairs(self, role: Role) -> int:
        """Number of usable pairs of a role."""
        return sum(len(batch["key"]) for batch in self.batches[role])

    def check(self) -> None:
        """Refuse a role without pairs.

        Raises:
            BadDataError: Naming the role.
        """
        for role in ROLES:
            if not self.batches[role]:
                raise BadDataError(
                    f"Expected at least one {role} pair, but none could be used. "
                    f"Check data.{role}_shards and the counts of skipped pairs."
                )

    def endless(self, role: Role, generator: torch.Generator) -> Iterator[Batch]:
        """The batches of a role again and again, each once a round, in a new order every round.

        Args:
            role: ``forget`` or ``retain``.
            generator: Source of the orders.
        """
        batches = self.batches[role]
        while True:
            for number in torch.randperm(len(batches), generator=generator).tolist():
                yield batches[number]
