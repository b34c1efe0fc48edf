import pytest

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.findings import Figure, Findings
from slug_lightning.audit.standing import judge_standing, standing
from tests.audit.making import make_host


def test_every_version_has_the_same_figures():
    findings = standing(make_host())
    metrics = {v: [f.metric for f in findings.figures if f.version == v] for v in ("before", "after", "gold")}
    assert metrics["before"] == metrics["after"] == metrics["gold"] != []


def test_without_an_edit_nothing_has_dropped():
    findings = standing(make_host(update=0.0, gold=False))
    forget, drop, gold = judge_standing(findings, Limits(forget=1.0, retained_drop=0.0))
    assert (forget.name, forget.met) == ("forget", True)
    assert drop.value == pytest.approx(0)
    assert drop.met
    assert (gold.met, gold.what) == (None, "needs --gold")


def test_a_gold_standard_that_knows_nothing_else_is_noticed():
    def share(version, hits):
        return Figure.share("retain/identities_top1", version, "no attack", hits, 100)

    findings = Findings([share("before", 97), share("after", 96), share("gold", 10)])
    checks = {check.name: check for check in judge_standing(findings, Limits())}
    assert checks["retained_drop"].met
    assert checks["gold_drop"].met is False
    assert checks["gold_drop"].value == pytest.approx(0.87)
