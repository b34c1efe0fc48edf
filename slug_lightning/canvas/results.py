"""What was measured of one target, as a file; and the averages over targets."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from slug_lightning.atomic import write_text
from slug_lightning.canvas.judging import Judged
from slug_lightning.canvas.protocol import Kind, Protocol
from slug_lightning.errors import BadDataError
from slug_lightning.functional.unlearning_accuracy import unlearning_accuracies

ACCURACIES = ("UA", "IRA", "CRA")


@dataclass(frozen=True)
class Cost:
    """What unlearning one target took.

    Attributes:
        seconds: Gradients and search; without curation and evaluation.
        memory_gb: Most memory the process held, in 10^9 bytes; on the accelerator if it ran on one.
        storage_gb: Size of what must be stored to have the model without the target, in 10^9 bytes.
    """

    seconds: float | None
    memory_gb: float | None
    storage_gb: float | None


NO_COST = Cost(None, None, None)


@dataclass(frozen=True)
class TargetResult:
    """Figures of one target; accuracies in ``[0, 1]``, high is good.

    Attributes:
        target: The style or object.
        kind: Which of the two.
        figures: ``UA``, ``IRA``, ``CRA`` and ``CRA_elsewhere`` (in images that do not show the target).
        fid: Without the target; low is good.
        images: Number of answers.
        by_style: Style accuracy of each theme.
        by_object: Object accuracy of each object.
        patched: Whether there was a patch; without one these are the figures of the original model.
        cost: If it is known.
        setting: Digest of protocol, classifiers and FID's features: results that differ here do not belong
            into one average.
    """

    target: str
    kind: Kind
    figures: Mapping[str, float]
    fid: float | None
    images: int
    by_style: Mapping[str, float]
    by_object: Mapping[str, float]
    patched: bool
    cost: Cost | None
    setting: str

    @classmethod
    def of(
        cls, target: str, protocol: Protocol, judged: Judged, patched: bool, cost: Cost | None, setting: str
    ) -> "TargetResult":
        """The result that follows from counts."""
        return cls(
            target=target,
            kind=protocol.kind(target),
            figures=figures_of(target, protocol, judged),
            fid=judged.fid,
            images=int(judged.total.sum()),
            by_style=_shares(judged.style_hits.sum(1), judged.total.sum(1), protocol.themes),
            by_object=_shares(judged.object_hits.sum(0), judged.total.sum(0), protocol.objects),
            patched=patched,
            cost=cost,
            setting=setting,
        )

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_text(path, json.dumps({"format_version": 1, **asdict(self)}, indent=1, allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> "TargetResult | None":
        """Read what ``save`` wrote; ``None`` if there is no such file.

        Raises:
            BadDataError: If it is something else.
        """
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content.pop("format_version")
            cost = content.pop("cost")
            return cls(**content, cost=None if cost is None else Cost(**cost))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadDataError(
                f"Expected the result of slug canvas in {str(path)!r} but got: {error}. Remove the file."
            ) from error


def figures_of(target: str, protocol: Protocol, judged: Judged) -> dict[str, float]:
    """UA, IRA and CRA of any target out of the counts of one model."""
    kind = protocol.kind(target)
    tables = judged.style_hits, judged.object_hits, judged.total
    own, other, total = tables if kind == "style" else (tables[1].T, tables[0].T, tables[2].T)
    return unlearning_accuracies(own, other, total, protocol.names(kind).index(target))


def cost_of(report: Mapping[str, Any]) -> Cost:
    """Out of the ``report.json`` of the run that made a patch.

    Seconds are unknown where the run took its gradients from an earlier one.
    """
    efficiency = report["efficiency"]
    reused = efficiency.get("gradients_from") or efficiency.get("retain_gradients_from")
    seconds = efficiency["gradient_seconds"] + efficiency["search_seconds"]
    stored, memory = efficiency["patch_bytes"], efficiency.get("peak_memory_bytes")
    return Cost(
        seconds=None if reused else seconds,
        memory_gb=None if memory is None else memory / 1e9,
        storage_gb=None if stored is None else stored / 1e9,
    )


@dataclass(frozen=True)
class Averages:
    """Means over targets, as a row of the benchmark's table; ``None`` where nothing was measured.

    Attributes:
        style: ``UA``, ``IRA``, ``CRA`` over target styles, in ``[0, 1]``.
        object: The same over target objects.
        fid: Over all targets.
        seconds: Over all patched targets, if each has it.
        memory_gb: The same.
        storage_gb: The same.
        styles: How many target styles there are.
        objects: How many target objects.
        unpatched: Targets that had no patch.
    """

    style: Mapping[str, float] | None
    object: Mapping[str, float] | None
    fid: float | None
    seconds: float | None
    memory_gb: float | None
    storage_gb: float | None
    styles: int
    objects: int
    unpatched: tuple[str, ...] = ()


def average(results: Sequence[TargetResult]) -> Averages:
    """Means over the target styles, and over the target objects."""
    by_kind: dict[Kind, list[TargetResult]] = {"style": [], "object": []}
    for result in results:
        by_kind[result.kind].append(result)
    costs = [result.cost or NO_COST for result in results if result.patched]
    return Averages(
        style=_mean_figures(by_kind["style"]),
        object=_mean_figures(by_kind["object"]),
        fid=_mean([result.fid for result in results]),
        seconds=_mean_of_all([cost.seconds for cost in costs]),
        memory_gb=_mean_of_all([cost.memory_gb for cost in costs]),
        storage_gb=_mean_of_all([cost.storage_gb for cost in costs]),
        styles=len(by_kind["style"]),
        objects=len(by_kind["object"]),
        unpatched=tuple(result.target for result in results if not result.patched),
    )


def _mean_figures(results: Sequence[TargetResult]) -> dict[str, float] | None:
    if not results:
        return None
    return {name: sum(r.figures[name] for r in results) / len(results) for name in results[0].figures}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _mean_of_all(values: Sequence[float | None]) -> float | None:
    """A mean of a few would stand for all in the table: there is one only if every target has its figure."""
    return None if None in values else _mean(values)


def _shares(hits: Tensor, total: Tensor, names: Sequence[str]) -> dict[str, float]:
    shares = (hits.double() / total.double()).tolist()
    return dict(zip(names, shares, strict=True))
