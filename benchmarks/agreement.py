"""Whether two sides computed the same thing; a comparison of costs means nothing otherwise."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

ROUNDING = 1e-4  # relative, per layer: both sides add up float32 in another order


def gradient_difference(ours: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Largest relative difference over the layers of ours: ``||a - b|| / ||b||``."""
    return max(float((ours[name] - other[name]).norm() / other[name].norm()) for name in ours)


def search_differences(ours: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What differs between two searches; empty if points, counts and choice are the same.

    Args:
        ours: Entries of our trace; what it did not measure is not compared.
        other: Entries of the baseline's trace, with everything measured.
    """
    found = []
    steps = [[(p["layer"], p["step"], p["feasible"]) for p in trace["points"]] for trace in (ours, other)]
    if steps[0] != steps[1]:
        found.append(f"points {steps[0]} instead of {steps[1]}")
    pairs = [({"counts": ours["before"]}, {"counts": other["before"]})]
    pairs += list(zip(ours["points"], other["points"], strict=False))
    for mine, theirs in pairs:
        for name, counts in mine["counts"].items():
            if counts != theirs["counts"][name]:
                where = f"{mine.get('layer')} at {mine.get('step')}"
                found.append(f"{name} {counts} instead of {theirs['counts'][name]}, {where}")
    if ours["chosen"] != other["chosen"]:
        found.append(f"chosen {ours['chosen']} instead of {other['chosen']}")
    return found
