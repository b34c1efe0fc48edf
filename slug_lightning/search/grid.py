"""The search of a method with hyper-parameters: a grid, and the rule by which SLUG chooses its point."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from slug_lightning.errors import SettingError
from slug_lightning.search.plan import Pass, choose, is_feasible
from slug_lightning.search.setting import Setting
from slug_lightning.search.trace import Measured, Probe, Trace


@dataclass(frozen=True)
class GridSettings:
    """When a trial has forgotten, and what is measured of it.

    Attributes:
        criterion: Forget metric that must fall to the target.
        forget_target: A trial is feasible when the criterion is at or under this, in ``[0, 1]``.
        measure: Where retained accuracy is measured: at ``feasible`` trials (only those can win) or at
            ``all``.
    """

    criterion: Literal["top1", "top5"] = "top1"
    forget_target: float = 0.0
    measure: Literal["feasible", "all"] = "feasible"

    def __post_init__(self) -> None:
        if not 0 <= self.forget_target < 1:
            raise SettingError(f"Expected search.forget_target in [0, 1), but got {self.forget_target}.")


@dataclass(frozen=True)
class Trial:
    """A setting that is on the model now.

    Attributes:
        setting: What it is.
        size: Norm of the update relative to that of the weights.
    """

    setting: Setting
    size: float


def grid_plan(
    trials: Iterable[Trial],
    settings: GridSettings,
    retain_datasets: Sequence[str],
    keep: Callable[[Setting], None],
) -> Generator[Pass, list[Measured], Trace]:
    """Measure trial by trial, and keep the best so far, since one edit of the whole model is in memory.

    Args:
        trials: Made one by one: each is asked for when the one before has been measured.
        settings: Criterion and target.
        retain_datasets: Names of the data that must keep their accuracy.
        keep: Called with the setting that is the best so far, while it is still on the model.

    Yields:
        What to measure; expects one ``Measured`` per point back.

    Returns:
        The trace, probes in the order of the trials.
    """
    (before,) = yield Pass((None,), tuple(retain_datasets), "search")
    probes: list[Probe] = []
    best: Probe | None = None
    for number, trial in enumerate(trials):
        (measured,) = yield Pass((trial.setting,), ("forget",), "search")
        feasible = is_feasible(measured, settings)
        if retain_datasets and (feasible or settings.measure == "all"):
            (more,) = yield Pass((trial.setting,), tuple(retain_datasets), "search")
            measured = measured.merge(more)
        probes.append(Probe(number, trial.setting, trial.size, measured, feasible))
        if (leader := choose(before, probes, settings)) is not best:
            best = leader
            keep(trial.setting)
    return Trace(before, tuple(probes), best)
