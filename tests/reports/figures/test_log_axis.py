import random

import pytest

from slug_lightning.reports.figures.log_axis import log_limits, log_ticks


def test_ticks_lie_within_and_are_few_and_never_none():
    draw = random.Random(0)
    for _ in range(300):
        low = 10 ** draw.uniform(-12, 8)
        high = low * 10 ** draw.uniform(0.01, 9)
        ticks = log_ticks(low, high, most=4)
        assert 1 <= len(ticks) <= 4
        assert ticks == sorted(ticks)
        assert all(0.98 * low <= tick <= 1.02 * high for tick in ticks)


def test_limits_hold_a_single_value():
    low, high = log_limits([3.0])
    assert low < 3.0 < high
    assert high / low == pytest.approx(10**0.1)
