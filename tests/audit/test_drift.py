import numpy as np
import pytest

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.drift import DriftSettings, drift, judge_drift, pair_cosines
from tests.audit.making import make_host

FAST = DriftSettings(bins=5, resamples=100)


def test_quantiles_and_histogram_are_those_of_the_change():
    host = make_host()
    change = (pair_cosines(host, "after") - pair_cosines(host, "before")).double().numpy()
    findings = drift(host, FAST, seed=0)
    for figure in findings.pick("drift/quantile"):
        assert figure.value == pytest.approx(np.quantile(change, figure.x))
        assert figure.ci95[0] <= figure.value <= figure.ci95[1]
    assert sum(findings.histograms["change of cosine"]["after"]) == len(change)
    (mean,) = findings.pick("drift/mean")
    assert mean.value == pytest.approx(change.mean())


def test_a_fall_is_a_positive_number():
    host = make_host()
    findings = drift(host, FAST, seed=0)
    (low,) = [f for f in findings.pick("drift/quantile") if f.x == 0.05]
    (check,) = judge_drift(findings, Limits(cosine_drop=0.0))
    assert check.value == -low.value
    assert check.met is (low.value >= 0)
    assert check.ci95[0] <= check.value <= check.ci95[1]


def test_without_an_edit_nothing_moves():
    findings = drift(make_host(update=0.0), FAST, seed=0)
    assert {f.value for f in findings.figures} == {0.0}
