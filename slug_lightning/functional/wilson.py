"""Uncertainty of a share of counts."""

from math import sqrt


def wilson_interval(correct: int, total: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson score interval of a proportion.

    Args:
        correct: Number of hits.
        total: Number of trials, assumed independent.
        z: Normal quantile; the default gives 95 %.

    Returns:
        Lower and upper bound in ``[0, 1]``; ``(0, 1)`` without trials.

    Example:
        >>> lo, hi = wilson_interval(0, 50)
        >>> round(lo, 3), round(hi, 3)
        (0.0, 0.071)

    Source:
        Wilson 1927, doi 10.1080/01621459.1927.10502953.
    """
    if total == 0:
        return 0.0, 1.0
    share = correct / total
    scale = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    # At the ends rounding would leave 1e-17 where the formula gives exactly 0 or 1.
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    high = 1.0 if correct == total else min(1.0, middle + half)
    return low, high
