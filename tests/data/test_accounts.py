from types import SimpleNamespace

import pytest

from slug_lightning.data.accounts import account, check_skipped, missing_pairs
from slug_lightning.errors import BadDataError


def census(missing=0, samples=90):
    shards = [SimpleNamespace(name="a.tar", problem=None), SimpleNamespace(name="b.tar", problem="cut short")]
    return SimpleNamespace(missing=missing, samples=samples, shards=shards, digest="d", problems=["b.tar"])


@pytest.mark.parametrize(
    ("asked", "expected"), [([], 10), ([None, None], 10), ([95], 5), ([95, 92], 2), ([80], 0)]
)
def test_pairs_that_nobody_asked_for_are_not_missing(asked, expected):
    assert missing_pairs(census(missing=10), asked) == expected


def test_what_was_left_out_on_purpose_is_not_bad():
    check_skipped("retain", census(), {"excluded": 50, "measured": 40, "no_image": 1}, 0, 99, 0.01)
    with pytest.raises(BadDataError, match="2 of 101 retain pairs could not be used .2 no_image."):
        check_skipped("retain", census(), {"excluded": 50, "no_image": 2}, 0, 99, 0.01)


def test_shards_with_problems_are_named_first():
    with pytest.raises(BadDataError, match=r"9 missing.*\['b.tar', 'a.tar'\]"):
        check_skipped("forget", census(), {}, 9, 1, 0.1)


def test_the_account_counts_what_is_missing(monkeypatch):
    monkeypatch.setattr("slug_lightning.data.accounts.changes", lambda _: ["changed"])
    found = account(census(), {"no_image": 2}, 3)
    assert found["skipped"] == {"no_image": 2, "missing": 3}
    assert found["problems"] == ["b.tar", "changed"]
    assert account(census(), {}, 0)["skipped"] == {}
