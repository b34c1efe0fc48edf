import pytest
import torch

from slug_lightning.errors import BadDataError, SettingError
from slug_lightning.unlearning.remembered import RememberedPairs


def batch(role="retain", count=2, number=0, skipped=None):
    return {
        "role": role, "key": [f"{number}-{i}" for i in range(count)],
        "image": torch.zeros(count, 3, 4, 4), "skipped": skipped or {},
    }  # fmt: skip


def test_counts_pairs_and_what_was_skipped_by_role():
    pairs = RememberedPairs(10_000)
    pairs.add(batch("forget", 3, skipped={"no caption": 1}))
    pairs.add(batch("retain", 0, skipped={"no caption": 2}))
    pairs.add(batch("retain", 2, skipped={"no caption": 1}))
    assert (pairs.pairs("forget"), pairs.pairs("retain")) == (3, 2)
    assert pairs.skipped == {"forget": {"no caption": 1}, "retain": {"no caption": 3}}


def test_every_batch_comes_once_a_round_in_orders_of_the_generator():
    pairs = RememberedPairs(10_000)
    for number in range(5):
        pairs.add(batch(number=number))
    stream = pairs.endless("retain", torch.Generator().manual_seed(3))
    rounds = [[next(stream)["key"][0] for _ in range(5)] for _ in range(2)]
    assert sorted(rounds[0]) == sorted(rounds[1]) == [f"{n}-0" for n in range(5)]
    assert rounds[0] != rounds[1]


def test_more_than_fits_is_refused_with_what_to_do():
    pairs = RememberedPairs(800)
    pairs.add(batch())  # 2 images of 192 bytes each
    with pytest.raises(SettingError, match=r"memory_bytes=800, but the first 6 take more.*retain_sample"):
        pairs.add(batch(count=4))


def test_a_role_without_pairs_is_refused():
    pairs = RememberedPairs(800)
    pairs.add(batch("forget"))
    with pytest.raises(BadDataError, match="at least one retain pair"):
        pairs.check()
