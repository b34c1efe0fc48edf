"""Every point that was evaluated, and the one that won."""

from collections.abc import Mapping
from dataclasses import dataclass

from slug_lightning.metrics import Accuracy
from slug_lightning.models.layers import TowerName, tower_of
from slug_lightning.search.setting import Setting


@dataclass(frozen=True)
class Point:
    """One edit of the model: ``theta + step * g_f`` at one layer."""

    layer: str
    step: float


@dataclass(frozen=True)
class Measured:
    """What one pass over the data says of one point.

    Attributes:
        metrics: Accuracy by metric name, e.g. ``forget/top1``, ``retain/imagenet_top1``.
        broken: Number of images whose scores were NaN or infinite.
    """

    metrics: Mapping[str, Accuracy]
    broken: int = 0

    def merge(self, other: "Measured") -> "Measured":
        """Both measurements of the same point."""
        return Measured({**self.metrics, **other.metrics}, self.broken + other.broken)


@dataclass(frozen=True)
class Probe:
    """An evaluated point.

    Attributes:
        number: Position in the trace, from 0.
        point: The edit: a layer and a step, or the setting of a method that edits the whole model.
        relative_step: Size of the update relative to the weight, or to all weights.
        measured: Its metrics; retained ones only where they were measured.
        feasible: Whether the forget criterion is at or under the target.
    """

    number: int
    point: Point | Setting
    relative_step: float
    measured: Measured
    feasible: bool

    @property
    def tower(self) -> TowerName | None:
        """Tower of the edited layer, if it is one layer."""
        return tower_of(self.point.layer) if isinstance(self.point, Point) else None


@dataclass(frozen=True)
class Trace:
    """The whole search.

    Attributes:
        before: Retained metrics of the original model on the search images.
        probes: All evaluated points, in order.
        best: The winner, or the least bad point if none is feasible; ``None`` for an empty search.
    """

    before: Measured
    probes: tuple[Probe, ...]
    best: Probe | None

    @property
    def feasible(self) -> bool:
        """Whether some point removes the concept."""
        return self.best is not None and self.best.feasible


def retained(metrics: Mapping[str, Accuracy]) -> dict[str, float]:
    """Values of the retained metrics alone."""
    return {name: a.value for name, a in metrics.items() if name.startswith("retain/") and a.n > 0}


def relative_drops(before: Measured, after: Measured) -> list[float]:
    """Relative drop of each retained metric that both know, largest first; negative is a gain."""
    old, new = retained(before.metrics), retained(after.metrics)
    return sorted(((old[n] - new[n]) / old[n] for n in old if n in new and old[n] > 0), reverse=True)


def worst_drop(before: Measured, after: Measured) -> float:
    """The largest relative drop; gains count as no drop, since they are noise of the sample."""
    return max([0.0, *relative_drops(before, after)[:1]])
