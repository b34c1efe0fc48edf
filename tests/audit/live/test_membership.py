import pytest
import torch

from slug_lightning.audit.attacks import ON_HOST
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.live.membership import membership
from slug_lightning.audit.membership import MembershipSettings
from tests.audit.live.reciting import make_host, write_gold

FAST = MembershipSettings(folds=2, repeats=2)


def test_losses_that_differ_are_told_apart_and_equal_ones_are_not(tmp_path):
    host = make_host(write_gold(tmp_path / "gold"))
    host.metrics["gold"].example_losses = lambda concept, seen: torch.ones(8)
    findings = membership(host, FAST, seed=0)
    assert [(f.version, f.condition, f.value, f.n) for f in findings.figures] == [
        ("before", "loss", 1.0, 16),
        ("after", "loss", 1.0, 16),
        ("gold", "loss", 0.5, 16),
    ]
    (check,) = ON_HOST["membership"].judge(findings, Limits())
    assert (check.value, check.met) == (1.0, False)
    low, high = findings.figures[2].ci95
    assert low < 0.5 < high
    assert high == pytest.approx(1 - low)
