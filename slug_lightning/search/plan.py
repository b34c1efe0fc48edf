"""The search as a generator: it yields what to measure and is sent the measurements.

No model, no data and no Lightning in here: the validation loop runs the passes, tests run it on formulas.
"""

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from slug_lightning.data.prompts import templates
from slug_lightning.errors import SettingError
from slug_lightning.models.layers import TowerName
from slug_lightning.search.candidates import LayerScore
from slug_lightning.search.schedule import StepSchedule
from slug_lightning.search.setting import Setting
from slug_lightning.search.trace import Measured, Point, Probe, Trace, relative_drops, worst_drop

Split = Literal["search", "final"]


@dataclass(frozen=True)
class SearchSettings:
    """How the layer and the step are searched.

    Attributes:
        layers: ``front`` (Pareto front of each tower), ``all``, or a list of canonical names.
        towers: Towers that may be edited.
        criterion: Forget metric that must fall to the target; with ``model.host_metric`` it is ``host``.
        forget_target: A point is feasible when the criterion is at or under this, in ``[0, 1]``.
        wordings: Further sentences with ``{}``. In the search, an image of the concept counts as recognised
            when it is in any of them, every name put into it, or with the usual prompts: the attack of other
            wordings in the loop; see docs/audit.md. Final figures are those of the usual prompts.
        margin: In the search, an image of the concept counts as recognised when the cosine to its prompt
            comes within this of the best other name's. Final figures are counted without it.
        evaluations: Steps tried per layer.
        most_points: Most steps tried in all, round by round, in the model's order of layers; null: no bound.
        start: First step, relative to ``||theta|| / ||g_f||``.
        measure: Where retained accuracy is measured: at ``contenders`` (feasible points; on further data sets
            only those that can still win), at all ``feasible`` points, or at ``all`` points, as the published
            script does. The chosen point is the same.
        points_per_pass: Most points measured in one pass over the data; bounds memory.
    """

    layers: str | list[str] = "front"
    towers: list[TowerName] = field(default_factory=lambda: ["vision", "text"])
    criterion: Literal["top1", "top5", "host"] = "top1"
    forget_target: float = 0.0
    wordings: list[str] = field(default_factory=list)
    margin: float = 0.0
    evaluations: int = 10
    most_points: int | None = None
    start: float = 0.1
    measure: Literal["contenders", "feasible", "all"] = "contenders"
    points_per_pass: int = 64

    def __post_init__(self) -> None:
        if isinstance(self.layers, str) and self.layers not in ("front", "all"):
            msg = f"Expected search.layers to be 'front', 'all' or a list of names, but got {self.layers!r}."
            raise SettingError(msg)
        if not 0 <= self.forget_target < 1:
            msg = f"Expected search.forget_target in [0, 1), but got {self.forget_target}."
            raise SettingError(msg)
        if not 0 <= self.margin < 2:
            raise SettingError(f"Expected search.margin in [0, 2), a cosine, but got {self.margin}.")
        if self.wordings:
            templates(self.wordings)  # each has a place for the name
        if min(self.evaluations, self.points_per_pass, self.most_points or 1) < 1 or self.most_points == 0:
            msg = (
                "Expected search.evaluations, points_per_pass and most_points of at least 1, but got "
                f"{self.evaluations}, {self.points_per_pass} and {self.most_points}."
            )
            raise SettingError(msg)
        if self.start <= 0 or not self.towers:
            msg = f"Expected search.start > 0 and at least one tower, but got {self.start} and {self.towers}."
            raise SettingError(msg)


@dataclass(frozen=True)
class Pass:
    """One pass over evaluation data that measures several points at once.

    Attributes:
        points: Edits to measure; ``None`` is the original model, a setting that of the current trial.
        datasets: Which data: ``forget``, ``identities``, ``imagenet``, or an extra set's name.
        split: ``search`` or ``final`` images.
    """

    points: tuple[Point | Setting | None, ...]
    datasets: tuple[str, ...]
    split: Split


class Target(Protocol):
    """What decides whether a point is feasible."""

    @property
    def criterion(self) -> str:
        """Forget metric that must fall."""

    @property
    def forget_target(self) -> float:
        """To this value or below."""


Measuring = Generator[Pass, list[Measured], list[Measured]]


def evaluate_points(
    points: Sequence[Point | Setting | None], datasets: Sequence[str], split: Split, at_most: int
) -> Measuring:
    """Measure points in as few passes as the bound allows."""
    measured: list[Measured] = []
    for start in range(0, len(points), at_most):
        measured += yield Pass(tuple(points[start : start + at_most]), tuple(datasets), split)
    return measured


def run_plan(
    plan: Generator[Pass, list[Measured], Trace], measure: Callable[[Pass], list[Measured]]
) -> Trace:
    """Answer every pass of a plan with a function; returns its trace."""
    try:
        asked = next(plan)
        while True:
            asked = plan.send(measure(asked))
    except StopIteration as stop:
        trace: Trace = stop.value
        return trace


def search_plan(
    candidates: Sequence[LayerScore], settings: SearchSettings, retain_datasets: Sequence[str]
) -> Generator[Pass, list[Measured], Trace]:
    """Bracket the step of all layers side by side, measure what must stay, choose.

    Each round tries one step of every layer in one pass over the forget images. Retained accuracy is measured
    afterwards, at the points that can win together. The outcome equals searching layer by layer.

    Args:
        candidates: Layers to search.
        settings: Schedule, criterion and bounds.
        retain_datasets: Names of the data that must keep their accuracy, the cheapest first.

    Yields:
        What to measure; expects one ``Measured`` per point back.

    Returns:
        The trace, probes ordered by layer, then by time.
    """
    tried = yield from _bracket(candidates, settings)
    order = {score.layer: i for i, score in enumerate(candidates)}
    tried.sort(key=lambda item: order[item[0].layer])  # stable: time order within a layer
    sheet = _Sheet(tried, settings)
    yield from _measure_retained(sheet, retain_datasets)
    before, *after = sheet.found
    unit = {score.layer: score.unit_step for score in candidates}
    probes = tuple(
        Probe(n, point, point.step / unit[point.layer], measured, is_feasible(measured, settings))
        for n, ((point, _), measured) in enumerate(zip(tried, after, strict=True))
    )
    return Trace(before, probes, choose(before, probes, settings))


def _bracket(
    candidates: Sequence[LayerScore], settings: SearchSettings
) -> Generator[Pass, list[Measured], list[tuple[Point, Measured]]]:
    schedules = {
        s.layer: StepSchedule(settings.start * s.unit_step, settings.evaluations) for s in candidates
    }
    tried: list[tuple[Point, Measured]] = []
    bound = settings.most_points or len(schedules) * settings.evaluations
    while points := [Point(name, s.step) for name, s in schedules.items() if s.step is not None]:
        if not (points := points[: bound - len(tried)]):
            break
        measured = yield from evaluate_points(points, ["forget"], "search", settings.points_per_pass)
        for point, result in zip(points, measured, strict=True):
            schedules[point.layer].tell(feasible=is_feasible(result, settings))
            tried.append((point, result))
    return tried


class _Sheet:
    """What is known of the original (number 0) and of the points that were tried (from 1)."""

    def __init__(self, tried: Sequence[tuple[Point, Measured]], settings: SearchSettings) -> None:
        self.points: list[Point | None] = [None, *(point for point, _ in tried)]
        self.found = [Measured({}), *(measured for _, measured in tried)]
        self.settings = settings

    def measure(
        self, numbers: Sequence[int], datasets: Sequence[str]
    ) -> Generator[Pass, list[Measured], None]:
        """Add what further data say of some points."""
        points = [self.points[i] for i in numbers]
        more = yield from evaluate_points(points, datasets, "search", self.settings.points_per_pass)
        for i, measured in zip(numbers, more, strict=True):
            self.found[i] = self.found[i].merge(measured)

    def drops(self, numbers: Iterable[int]) -> dict[int, float]:
        """Worst drop so far of those that are feasible."""
        original, found = self.found[0], self.found
        return {i: worst_drop(original, found[i]) for i in numbers if is_feasible(found[i], self.settings)}


def _measure_retained(sheet: _Sheet, datasets: Sequence[str]) -> Generator[Pass, list[Measured], None]:
    settings, tried = sheet.settings, range(1, len(sheet.points))
    feasible = list(sheet.drops(tried))
    if settings.measure == "contenders" and feasible and len(datasets) > 1:
        yield from _measure_contenders(sheet, feasible, datasets)
        return
    least_bad = [i + 1 for i in _least_bad(sheet.found[1:], settings)]
    asked = tried if settings.measure == "all" else feasible or least_bad
    yield from sheet.measure([0, *asked], datasets)


def _measure_contenders(
    sheet: _Sheet, feasible: Sequence[int], datasets: Sequence[str]
) -> Generator[Pass, list[Measured], None]:
    """Measure on the first data set, then on the others: first what leads, then what can still win.

    No data set makes a worst drop smaller. So a point that loses more on the first one than another point
    loses on any cannot win.
    """
    yield from sheet.measure([0, *feasible], datasets[:1])
    drops = sheet.drops(feasible)
    leading = [i for i, drop in drops.items() if drop == min(drops.values())]
    yield from sheet.measure([0, *leading], datasets[1:])
    best = min(sheet.drops(leading).values(), default=math.inf)
    others = [i for i, drop in drops.items() if i not in leading and drop <= best]
    yield from sheet.measure(others, datasets[1:])


def is_feasible(measured: Measured, settings: Target) -> bool:
    """Whether the criterion is at or under the target and no score was NaN or infinite."""
    forget = measured.metrics[f"forget/{settings.criterion}"]
    return measured.broken == 0 and forget.value <= settings.forget_target


def _least_bad(found: Sequence[Measured], settings: Target) -> list[int]:
    """Where nothing is feasible: the points with the lowest criterion, so that the report can show one."""
    name = f"forget/{settings.criterion}"
    values = [m.metrics[name].value if m.broken == 0 else math.inf for m in found]
    return [i for i, value in enumerate(values) if value == min(values)]


def choose(before: Measured, probes: Sequence[Probe], settings: Target) -> Probe | None:
    """The feasible point with the smallest worst relative drop over the retained metrics.

    Gains count as no drop, since they are noise of the sample. Ties go to the smaller mean drop, then to the
    smaller update. Without a feasible point: the lowest criterion among the measured ones, same ties.
    """
    pool = [probe for probe in probes if probe.feasible]
    if not pool:
        pool = [probes[i] for i in _least_bad([probe.measured for probe in probes], settings)]

    def cost(probe: Probe) -> tuple[float, float, float]:
        drops = [max(0.0, drop) for drop in relative_drops(before, probe.measured)] or [0.0]
        return max(drops), sum(drops) / len(drops), probe.relative_step

    return min(pool, key=cost) if pool else None
