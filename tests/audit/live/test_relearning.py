"""Claim: both versions are trained on the same, asked on the way, and put back bit for bit."""

import pytest
import torch

from slug_lightning.audit.attacks import ON_HOST
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.live.relearning import relearning, trained
from slug_lightning.audit.relearning import RelearningSettings
from slug_lightning.errors import SettingError
from tests.audit.live.reciting import Recites, make_host, weights, write_gold

FAST = RelearningSettings([0, 4], [0, 3], batch_size=8, learning_rate=3e-3)


@pytest.fixture
def host(tmp_path):
    return make_host(write_gold(tmp_path / "gold"))


def test_every_weight_of_both_hosts_is_put_back(host):
    saved = {version: weights(live) for version, live in host.lives.items()}
    relearning(host, FAST, seed=0)
    for version, live in host.lives.items():
        assert all(torch.equal(weight, saved[version][name]) for name, weight in live.state_dict().items())
    assert all(weight.grad is None for weight in host.live.parameters())


def test_they_are_put_back_after_an_error_on_the_way(host):
    def lessons(*asked):
        yield from (loss for loss, _ in zip(Recites.lessons(host.metric, *asked), range(2), strict=False))
        raise InterruptedError

    saved = weights(host.live)
    host.metric.lessons = lessons
    with pytest.raises(InterruptedError):
        relearning(host, FAST, seed=0)
    assert all(torch.equal(weight, saved[name]) for name, weight in host.live.state_dict().items())


def test_the_gold_standard_sees_the_same_batches(host):
    relearning(host, FAST, seed=3)
    mine, theirs = host.metrics["after"].drawn, host.metrics["gold"].drawn
    assert len(mine) == 6
    assert mine == theirs
    assert not any(0 in digits for digits in mine[:3])
    assert all(0 in digits for digits in mine[3:])


def test_curves_start_at_the_version_as_it_is_and_end_with_what_must_stay(host):
    findings = relearning(host, FAST, seed=0)
    for version in ("after", "gold"):
        plain = host.figures(version, "-")[0]
        curve = findings.pick("forget/host", version)
        assert [f.x for f in curve] == [0, 3, 0, 3]
        assert [f.value for f in curve if f.x == 0] == [plain.value] * 2
        assert [f.condition for f in curve[::2]] == ["retain pairs alone", "4 forget pairs"]
        assert [f.x for f in findings.pick("retain/host_digit", version)] == [3, 3]
    assert not findings.pick("forget/host", "before")


def test_pairs_of_the_concept_bring_it_back():
    host = make_host()
    settings = RelearningSettings([4], [0, 40], batch_size=8, learning_rate=3e-3)
    first, last = relearning(host, settings, seed=0).pick("forget/host", "after")
    assert first.value == 0
    assert last.value == 1


def test_the_verdict_names_the_argument_that_is_missing(host):
    judge = ON_HOST["relearning"].judge
    (check,) = judge(relearning(host, FAST, seed=0), Limits())
    assert check.value is not None
    (check,) = judge(relearning(make_host(), FAST, seed=0), Limits())
    assert (check.met, check.what) == (None, "needs --host_gold")


def test_weights_that_updates_would_be_rounded_away_in_are_refused(host):
    host.live.to(torch.bfloat16)
    with pytest.raises(SettingError, match=r"float32 .* but got weights in torch.bfloat16"):
        trained(host.live)
