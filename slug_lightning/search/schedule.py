"""The steps that are tried on one layer: double until the concept is gone, then bisect."""

from slug_lightning.errors import SettingError


class StepSchedule:
    """Proposes one step after another and is told whether each was feasible.

    Starts at ``first``; doubles while no step was feasible; then halves the bracket between the largest
    infeasible and the smallest feasible step (0 if none was infeasible). This is the published schedule.

    Args:
        first: First step, positive.
        evaluations: How many steps to propose.

    Example:
        >>> schedule = StepSchedule(1.0, evaluations=5)
        >>> while (step := schedule.step) is not None:
        ...     print(step, end=";")
        ...     schedule.tell(feasible=step >= 3)
        1.0;2.0;4.0;3.0;2.5;

    Source:
        SLUG (arXiv 2407.11867), binary search for the step size.
    """

    def __init__(self, first: float, evaluations: int) -> None:
        if not 0 < first < float("inf") or evaluations < 1:
            msg = f"Expected first > 0 and evaluations >= 1, but got {first} and {evaluations}."
            raise SettingError(msg)
        self._step = first
        self._left = evaluations
        self.infeasible = 0.0
        self.feasible: float | None = None

    @property
    def step(self) -> float | None:
        """The step to try next; ``None`` when all evaluations are used."""
        return self._step if self._left > 0 else None

    def tell(self, *, feasible: bool) -> None:
        """Report on ``step``."""
        if feasible:
            self.feasible = self._step
        else:
            self.infeasible = self._step
        self._left -= 1
        self._step = 2 * self._step if self.feasible is None else (self.infeasible + self.feasible) / 2
