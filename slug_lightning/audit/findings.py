"""What an attack finds: figures with counts and intervals, matrices, histograms; no verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from slug_lightning.functional import wilson_interval

Version = Literal[
    "before", "after", "gold"
]  # original model, patched model, model that never saw the concept


@dataclass(frozen=True)
class Figure:
    """One number with what it rests on.

    Attributes:
        metric: What was measured, e.g. ``forget/top1``.
        version: Which model.
        condition: Under which attack, in the words of the report, e.g. ``int4``.
        value: The number.
        n: Images or pairs behind it.
        ci95: Its 95 % interval, or ``None`` where there is none.
        interval: How that was computed.
        x: Place on the attack's axis, e.g. the number of updates.
    """

    metric: str
    version: Version
    condition: str
    value: float
    n: int
    ci95: tuple[float, float] | None = None
    interval: str | None = None
    x: float | None = None

    @classmethod
    def share(
        cls, metric: str, version: Version, condition: str, hits: int, n: int, x: float | None = None
    ) -> "Figure":
        """A share of hits with its Wilson interval.

        Example:
            >>> Figure.share("forget/top1", "after", "int8", hits=0, n=50).value
            0.0
        """
        value = hits / n if n else 0.0
        return cls(metric, version, condition, value, n, wilson_interval(hits, n), "Wilson", x)

    def entry(self) -> dict[str, Any]:
        """As it stands in ``audit.json``."""
        filled: dict[str, Any] = {
            "metric": self.metric,
            "version": self.version,
            "condition": self.condition,
            "value": self.value,
            "n": self.n,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "interval": self.interval,
        }
        return filled if self.x is None else {**filled, "x": self.x}

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> "Figure":
        """What ``entry`` wrote."""
        bounds = entry["ci95"]
        return cls(**{**entry, "ci95": None if bounds is None else (bounds[0], bounds[1])})


@dataclass(frozen=True)
class Findings:
    """All that one attack found on one host.

    Attributes:
        figures: Numbers.
        matrices: Square tables by name: ``{"names": [...], "before": [[...]], "after": [[...]]}``.
        histograms: By name: ``{"edges": [...], "after": [...], ...}``, counts between the edges.
        notes: Sentences on what was done that numbers do not say.
    """

    figures: Sequence[Figure]
    matrices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    histograms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def entry(self) -> dict[str, Any]:
        """As it stands in ``audit.json``."""
        return {
            "figures": [figure.entry() for figure in self.figures],
            "matrices": {name: dict(matrix) for name, matrix in self.matrices.items()},
            "histograms": {name: dict(histogram) for name, histogram in self.histograms.items()},
            "notes": list(self.notes),
        }

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> "Findings":
        """What ``entry`` wrote."""
        figures = tuple(Figure.read(figure) for figure in entry["figures"])
        return cls(figures, entry["matrices"], entry["histograms"], tuple(entry["notes"]))

    def pick(self, metric: str, version: Version | None = None) -> list[Figure]:
        """Figures of a metric, and of a version, in their order."""
        return [f for f in self.figures if f.metric == metric and version in (None, f.version)]

    def forget(self, version: Version) -> list[Figure]:
        """Forget accuracy of a version: that of the CLIP, or what a host's metric calls so."""
        return self.pick("forget/top1", version) or self.pick("forget/host", version)


def largest(figures: Iterable[Figure]) -> Figure | None:
    """The figure with the highest value, the first of equal ones; ``None`` of none."""
    return max(figures, key=lambda figure: figure.value, default=None)
