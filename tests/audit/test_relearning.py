from itertools import islice

import pytest
import torch

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.relearning import RelearningSettings, batches, judge_relearning, relearning
from slug_lightning.errors import BadDataError, SettingError
from tests.audit.making import make_host

FAST = RelearningSettings(pairs=[0, 4], steps=[0, 2], batch_size=6, learning_rate=1e-3)


def is_of(image, pairs):
    return any(torch.equal(image, other) for other in pairs.images)


def test_batches_hold_the_first_forget_pairs_and_others():
    found = make_host().material
    first = found.forget_pairs.images[:2]
    for batch in islice(batches(found.forget_pairs, found.retain_pairs, 2, 6, seed=0), 3):
        assert len(batch) == 6
        assert all(any(torch.equal(image, own) for own in first) for image in batch.images[:2])
        assert all(is_of(image, found.retain_pairs) for image in batch.images[2:])


def test_unrelated_batches_hold_no_forget_pair_and_are_the_same_again():
    found = make_host().material
    streams = [batches(found.forget_pairs, found.retain_pairs, 0, 6, seed=3) for _ in range(2)]
    for one, other in islice(zip(*streams, strict=False), 3):
        assert torch.equal(one.images, other.images)
        assert all(is_of(image, found.retain_pairs) for image in one.images)


def test_curves_start_at_the_version_as_it_is_and_leave_it_so():
    host = make_host()
    saved = {n: w.clone() for n, w in host.models["after"].state_dict().items()}
    findings = relearning(host, FAST, seed=0)
    assert all(torch.equal(w, saved[n]) for n, w in host.models["after"].state_dict().items())
    for version in ("after", "gold"):
        plain = next(f for f in host.figures(version, "-") if f.metric == "forget/top1")
        curves = findings.pick("forget/top1", version)
        assert [f.value for f in curves if f.x == 0] == [plain.value] * 2
        assert [f.x for f in curves] == [0, 2, 0, 2]
    assert not findings.pick("forget/top1", "before")


def test_training_on_forget_pairs_lowers_their_loss():
    host = make_host(gold=False)
    model, pairs = host.models["after"], host.material.forget_pairs
    with torch.no_grad():
        start = host.loss(model, pairs)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for batch in islice(batches(pairs, host.material.retain_pairs, 12, 24, seed=0), 5):
        optimiser.zero_grad()
        host.loss(model, batch).backward()
        optimiser.step()
    with torch.no_grad():
        assert host.loss(model, pairs) < start


def test_the_verdict_is_the_largest_gap_after_an_update():
    findings = relearning(make_host(), FAST, seed=0)
    gold = {(f.condition, f.x): f.value for f in findings.pick("forget/top1", "gold")}
    gaps = [f.value - gold[f.condition, f.x] for f in findings.pick("forget/top1", "after") if f.x]
    (check,) = judge_relearning(findings, Limits())
    assert check.value == pytest.approx(max(gaps))
    (check,) = judge_relearning(relearning(make_host(gold=False), FAST, seed=0), Limits())
    assert check.met is None


def test_more_pairs_than_there_are_is_refused():
    with pytest.raises(BadDataError, match="Expected 500 forget pairs for relearning, but there are 12"):
        relearning(make_host(), RelearningSettings(pairs=[500]), seed=0)


def test_settings_out_of_range_are_refused():
    with pytest.raises(SettingError, match="numbers of at least 0 in relearning.pairs"):
        RelearningSettings(pairs=[-1])
    with pytest.raises(SettingError, match="batch_size >= 2"):
        RelearningSettings(batch_size=1)
