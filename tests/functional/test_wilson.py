import pytest
from scipy.stats import binomtest

from slug_lightning.functional import wilson_interval


@pytest.mark.parametrize(("correct", "total"), [(0, 50), (1, 50), (25, 50), (50, 50), (3, 7), (9988, 10000)])
def test_equals_scipy(correct, total):
    expected = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(correct, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_without_trials_nothing_is_known():
    assert wilson_interval(0, 0) == (0.0, 1.0)
