from dataclasses import replace

import pytest

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.material import Pairs, Pictures
from slug_lightning.audit.membership import MembershipSettings, judge_membership, membership
from tests.audit.making import make_host
from tests.helpers import captions, pictures

FAST = MembershipSettings(folds=3, repeats=2)


def test_pictures_that_differ_are_told_apart_and_equal_ones_are_not():
    host = make_host(gold=False)
    bright = Pairs(pictures(12, seed=6) + 3, captions(12, seed=6))
    host.material = replace(host.material, forget_pairs=bright)
    told = membership(host, FAST, seed=0).pick("membership/accuracy", "before")
    assert max(figure.value for figure in told) > 0.8
    host = make_host(gold=False)
    same = Pictures(host.material.forget_pairs.images, host.material.unseen.labels)
    host.material = replace(host.material, unseen=same)
    equal = membership(host, FAST, seed=0).pick("membership/accuracy", "before")
    assert max(figure.value for figure in equal) < 0.7


def test_each_version_has_both_features_and_the_higher_one_is_judged():
    findings = membership(make_host(), FAST, seed=0)
    assert [f.condition for f in findings.pick("membership/accuracy", "gold")] == ["cosine", "loss"]
    (check,) = judge_membership(findings, Limits())
    assert check.value == pytest.approx(max(f.value for f in findings.pick("membership/accuracy", "after")))
    for figure in findings.figures:
        assert figure.ci95[0] <= figure.value <= figure.ci95[1]
