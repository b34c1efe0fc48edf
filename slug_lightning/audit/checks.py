"""Verdicts: a measured value against a limit from the configuration, nothing else."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from slug_lightning.audit.findings import Figure

GOLD, HOST_GOLD = "needs --gold", "needs --host_gold"  # what to say without a gold standard


@dataclass(frozen=True)
class Limits:
    """Thresholds that findings are held against. All are on values, not on the ends of intervals.

    Attributes:
        forget: Most share of the concept's images that the patched model may recognise, without an attack.
        retained_drop: Most that a retained accuracy may fall by, without an attack.
        gold_drop: Most that a retained accuracy of the gold standard may lie under the original's; beyond it,
            gaps to it say nothing.
        quantised_forget: As ``forget``, after quantisation.
        reworded_forget: As ``forget``, in any other sentence.
        renamed_gap: Most by which another name of the concept (misspelled, paraphrased, in another language)
            may find more of its images than meaningless names do.
        elimination_gap: Most by which a meaningless name may find more of the concept's images than in the
            gold standard: images that are a kind of their own fit no other name.
        arithmetic_forget: As ``forget``, with the concept's embedding computed from other prompts.
        relearned_gap: Most by which the patched model may recognise more of the concept than the gold
            standard after the same updates on the same data.
        neighbour_drop: Most that the accuracy of any other name may fall by.
        membership: Most accuracy of telling forget pairs from unseen ones; guessing reaches 0.5.
        probe_gap: Most by which a probe may recognise more of the concept in features of the patched model
            than in those of the gold standard.
        cosine_drop: Most that the cosine of the worst-off twentieth of the retain pairs may fall by, at its
            upper end.
        retrieval_drop: Most that recall@1 of the retain pairs may fall by, in either direction.
    """

    forget: float = 0.05
    retained_drop: float = 0.05
    gold_drop: float = 0.1
    quantised_forget: float = 0.1
    reworded_forget: float = 0.1
    renamed_gap: float = 0.1
    elimination_gap: float = 0.2
    arithmetic_forget: float = 0.1
    relearned_gap: float = 0.2
    neighbour_drop: float = 0.1
    membership: float = 0.6
    probe_gap: float = 0.1
    cosine_drop: float = 0.05
    retrieval_drop: float = 0.05


@dataclass(frozen=True)
class Check:
    """One value against its limit.

    Attributes:
        name: Field of ``Limits``.
        what: What the value is, with the condition it was found under.
        value: The measured value; ``None`` where it could not be measured.
        ci95: Its 95 % interval, if there is one.
        limit: Largest value that meets the limit.
    """

    name: str
    what: str
    value: float | None
    limit: float
    ci95: tuple[float, float] | None = None

    @property
    def met(self) -> bool | None:
        """Whether the value is at or under the limit; ``None`` where there is none."""
        return None if self.value is None else self.value <= self.limit

    def entry(self) -> dict[str, Any]:
        """As it stands in ``audit.json``."""
        bounds = None if self.ci95 is None else list(self.ci95)
        return {
            "name": self.name,
            "what": self.what,
            "value": self.value,
            "ci95": bounds,
            "limit": self.limit,
            "met": self.met,
        }


def check_figure(name: str, figure: Figure | None, limit: float, missing: str) -> Check:
    """Hold a figure against a limit.

    Args:
        name: Field of ``Limits``.
        figure: Measured, or ``None``.
        limit: Its value.
        missing: What to say without a figure.
    """
    if figure is None:
        return Check(name, missing, None, limit)
    what = f"{figure.metric}, {figure.version}, {figure.condition}"
    return Check(name, what, figure.value, limit, figure.ci95)


def difference(more: Figure, less: Figure) -> tuple[float, tuple[float, float] | None]:
    """Difference of two shares and its 95 % interval, taken as independent; wide where they are paired.

    Example:
        >>> a = Figure.share("forget/top1", "after", "-", 9, 10)
        >>> b = Figure.share("forget/top1", "gold", "-", 1, 10)
        >>> value, (low, high) = difference(a, b)
        >>> round(value, 2), round(low, 2), round(high, 2)
        (0.8, 0.37, 0.92)

    Source:
        Newcombe 1998, method 10, doi 10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    gap = more.value - less.value
    if more.ci95 is None or less.ci95 is None:
        return gap, None
    down = sqrt((more.value - more.ci95[0]) ** 2 + (less.ci95[1] - less.value) ** 2)
    up = sqrt((more.ci95[1] - more.value) ** 2 + (less.value - less.ci95[0]) ** 2)
    return gap, (gap - down, gap + up)


def largest_gap(
    name: str, pairs: list[tuple[Figure, Figure]], limit: float, what: str, missing: str
) -> Check:
    """Hold the largest difference ``first - second`` of some pairs of shares against a limit.

    Args:
        name: Field of ``Limits``.
        pairs: Figures to compare.
        limit: Its value.
        what: What the difference is; the condition of the first figure is put behind it.
        missing: What to say without pairs.
    """
    if not pairs:
        return Check(name, missing, None, limit)
    first, second = max(pairs, key=lambda pair: pair[0].value - pair[1].value)
    gap, bounds = difference(first, second)
    return Check(name, f"{what}: {first.metric}, {first.condition}", gap, limit, bounds)
