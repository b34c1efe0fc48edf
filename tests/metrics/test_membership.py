import pytest
import torch
import torch.nn.functional as F

from slug_lightning.errors import BadDataError, NonFiniteError, SettingError
from slug_lightning.metrics import Membership, MembershipInference, membership_inference, pair_features


def drawn(count, shift=0.0, seed=0):
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed)) + shift


def test_pairs_that_differ_by_much_are_told_apart():
    assert membership_inference(drawn(40, 8.0, 1), drawn(40, 0.0, 2)).accuracy == 1.0


def test_pairs_of_one_distribution_are_not():
    found = membership_inference(drawn(200, 0.0, 1), drawn(200, 0.0, 2), repeats=3)
    low, high = found.ci95
    assert low < 0.5 < high
    assert abs(found.accuracy - 0.5) < 0.07


def test_a_known_shift_reaches_the_share_that_theory_gives():
    # Two unit normals, 2 apart, cut in the middle: the normal distribution function at 1 is 0.841.
    members, others = drawn(2000, 1.0, 1)[:, :1], drawn(2000, -1.0, 2)[:, :1]
    assert membership_inference(members, others, repeats=1).accuracy == pytest.approx(0.841, abs=0.03)


def test_kinds_are_balanced_so_that_guessing_the_larger_one_wins_nothing():
    found = membership_inference(drawn(500, 0.0, 1), drawn(50, 0.0, 2), repeats=3)
    assert found.pairs == 100
    assert found.accuracy < 0.68  # always saying "member" would reach 0.91


def test_equal_features_leave_guessing_and_no_warning():
    assert membership_inference(torch.ones(30, 2), torch.ones(30, 2), repeats=2).accuracy == 0.5


def test_the_seed_decides_and_nothing_else():
    members, others = drawn(60, 0.5, 1), drawn(30, 0.0, 2)
    first = membership_inference(members, others, repeats=2)
    torch.manual_seed(5)
    assert membership_inference(members, others, repeats=2) == first
    assert membership_inference(members, others, repeats=2, seed=7) != first


def test_the_interval_is_that_of_the_pairs_not_of_the_repeats():
    one, many = Membership(0.6, 0.0, 100, 1), Membership(0.6, 0.01, 100, 10)
    assert one.ci95 == many.ci95
    assert one.ci95 == pytest.approx((0.502, 0.691), abs=1e-3)  # Wilson, 60 of 100
    assert set(one.entry()) == {"value", "n", "ci95", "deviation", "repeats"}


def test_features_equal_their_formula():
    image, text, others = (F.normalize(torch.randn(n, 4), dim=-1) for n in (3, 3, 5))
    found = pair_features(image, text, others, 7.0)
    for i in range(3):
        logits = 7.0 * torch.cat([text[i : i + 1], others]) @ image[i]
        torch.testing.assert_close(found[i, 0], image[i] @ text[i])
        torch.testing.assert_close(found[i, 1], F.cross_entropy(logits[None], torch.tensor([0])))


def test_the_metric_in_batches_equals_the_function():
    members, others = drawn(30, 1.0, 1), drawn(24, 0.0, 2)
    metric = MembershipInference(repeats=2)
    for part in members.split(7):
        metric.update(part, member=True)
    for part in others.split(10):
        metric.update(part, member=False)
    expected = membership_inference(members, others, repeats=2)
    assert metric.compute().item() == expected.accuracy
    assert metric.result() == expected


@pytest.mark.parametrize(
    ("members", "others", "options", "error", "message"),
    [
        (drawn(9), drawn(20), {}, BadDataError, "at least 10 pairs of each kind.*9 members and 20 others"),
        (drawn(20), drawn(20)[:, :1], {}, SettingError, "shapes \\(20, 2\\) and \\(20, 1\\)"),
        (drawn(20), drawn(20), {"folds": 1}, SettingError, "folds >= 2"),
        (drawn(20), drawn(20) * float("nan"), {}, NonFiniteError, "of others hold NaN"),
    ],
)
def test_what_cannot_be_inferred_is_refused(members, others, options, error, message):
    with pytest.raises(error, match=message):
        membership_inference(members, others, **options)


def test_a_metric_without_one_kind_says_so():
    metric = MembershipInference()
    metric.update(drawn(20), member=True)
    with pytest.raises(BadDataError, match="both kinds"):
        metric.result()
