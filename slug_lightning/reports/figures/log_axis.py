"""Logarithmic axes with few, plain tick labels."""

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes

_MANTISSAS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0))


def log_limits(values: Sequence[float], margin: float = 0.08) -> tuple[float, float]:
    """Limits that hold all positive ``values`` with a share of the range to spare on each side.

    Example:
        >>> log_limits([1.0, 100.0], margin=0.5)
        (0.1, 1000.0)
    """
    low, high = math.log10(min(values)), math.log10(max(values))
    spare = max((high - low) * margin, 0.05)
    return 10 ** (low - spare), 10 ** (high + spare)


def log_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most ``most`` round numbers within the limits, as many as fit.

    Example:
        >>> log_ticks(0.008, 12)
        [0.01, 0.1, 1.0, 10.0]
        >>> log_ticks(1.1, 6)
        [1.5, 2.0, 3.0, 4.0, 5.0]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    best: list[float] = []
    for mantissas in _MANTISSAS:
        ticks = [float(f"{m}e{d}") for d in decades for m in mantissas]
        inside = [tick for tick in ticks if low <= tick <= high]
        stride = max(1, math.ceil(len(inside) / most)) if len(mantissas) == 1 else 1
        inside = inside[::stride]
        if len(best) < len(inside) <= most:
            best = inside
    return best or [float(f"{math.sqrt(low * high):.2g}")]


def set_log_axis(axes: Axes, which: Literal["x", "y"], limits: tuple[float, float], most: int) -> None:
    """Make one axis logarithmic with these limits and at most ``most`` labelled ticks."""
    ticks = log_ticks(*limits, most=most)
    labels = [f"{tick:g}" for tick in ticks]
    if which == "x":
        axes.set_xscale("log")
        axes.set_xlim(limits)
        axes.set_xticks(ticks, labels)
        axes.set_xticks([], minor=True)
    else:
        axes.set_yscale("log")
        axes.set_ylim(limits)
        axes.set_yticks(ticks, labels)
        axes.set_yticks([], minor=True)
