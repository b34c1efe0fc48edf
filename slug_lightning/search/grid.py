"""The search of a method with hyper-parameters: a grid, and the rule by which SLUG chooses its point."""

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from slug_lightning.errors import SettingError
from slug_lightning.search.plan import Pass, choose, is_feasible
from slug_lightning.search.setting import Setting
from slug_lightning.search.trace import Measured, Probe, Trace, worst_drop


@dataclass(frozen=True)
class GridSettings:
    """When a trial has forgotten, and what is measured of it.

    Attributes:
        criterion: Forget metric that must fall to the target.
        forget_target: A trial is feasible when the criterion is at or under this, in ``[0, 1]``.
        measure: Where retained accuracy is measured: at ``contenders`` (feasible trials; on further data sets
            only those that can still win), at all ``feasible`` trials or at ``all``. The chosen one is the
            same.
    """

    criterion: Literal["top1", "top5"] = "top1"
    forget_target: float = 0.0
    measure: Literal["contenders", "feasible", "all"] = "contenders"

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
        retain_datasets: Names of the data that must keep their accuracy, the cheapest first.
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
        if feasible or settings.measure == "all":
            most = worst_drop(before, best.measured) if best is not None and best.feasible else math.inf
            bound = most if settings.measure == "contenders" else math.inf
            measured = yield from _measure_retained(trial, measured, before, retain_datasets, bound)
        probes.append(Probe(number, trial.setting, trial.size, measured, feasible))
        if (leader := choose(before, probes, settings)) is not best:
            best = leader
            keep(trial.setting)
    return Trace(before, tuple(probes), best)


def _measure_retained(
    trial: Trial, measured: Measured, before: Measured, datasets: Sequence[str], bound: float
) -> Generator[Pass, list[Measured], Measured]:
    """Measure one data set after another, until the trial loses more on one than the bound.

    No data set makes a worst drop smaller: such a trial cannot win.
    """
    for dataset in datasets:
        (more,) = yield Pass((trial.setting,), (dataset,), "search")
        measured = measured.merge(more)
        if worst_drop(before, measured) > bound:
            break
    return measured
