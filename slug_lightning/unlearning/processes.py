"""What the processes of a run tell each other; with one process, nothing."""

from typing import Any

import torch
from lightning.pytorch.strategies import Strategy
from torch import Tensor


class Processes:
    """Collectives over the processes of a strategy. Every process must call the same ones, in the same order.

    Args:
        strategy: Lightning's strategy, with its processes set up.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        started = torch.distributed.is_available() and torch.distributed.is_initialized()
        self.size = torch.distributed.get_world_size() if started else 1
        self.rank = torch.distributed.get_rank() if started else 0
        self.first = self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of every process's tensor, on each process."""
        total = self._strategy.reduce(tensor, reduce_op="sum")
        assert isinstance(total, Tensor)
        return total

    def any(self, *values: bool) -> list[bool]:
        """Whether each value is true on some process."""
        if self.size == 1:
            return list(values)
        counts = torch.tensor([float(value) for value in values], device=self._strategy.root_device)
        return [count > 0 for count in self.sum(counts).tolist()]

    def gather(self, value: Any) -> list[Any]:
        """The value of every process, in their order; any picklable kind."""
        if self.size == 1:
            return [value]
        gathered: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(gathered, value)
        return gathered

    def sum_counts(self, counts: dict[str, int]) -> dict[str, int]:
        """Counts by reason over all processes, each of which may know other reasons."""
        gathered = self.gather(dict(counts))
        reasons = sorted({reason for part in gathered for reason in part})
        return {reason: sum(part.get(reason, 0) for part in gathered) for reason in reasons}

    def from_first(self, value: Any) -> Any:
        """The first process's value, on each process; any picklable kind."""
        return value if self.size == 1 else self._strategy.broadcast(value)

    def copy_from_first_(self, tensor: Tensor) -> None:
        """Overwrite a tensor by the first process's."""
        if self.size > 1:
            torch.distributed.broadcast(tensor, src=0)
