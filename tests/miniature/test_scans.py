import numpy as np
import pytest

from slug_lightning.errors import SettingError
from slug_lightning.miniature.scans import load_scans


def test_parts_are_disjoint_and_together_all_scans():
    parts = load_scans(search=200, final=500, seed=0)
    numbers = np.concatenate([scans.numbers for scans in parts.values()])
    assert sorted(numbers) == list(range(1797))


def test_parts_are_stratified():
    parts = load_scans(search=200, final=500, seed=0)
    for scans, total in ((parts["search"], 200), (parts["final"], 500)):
        counts = np.bincount(scans.labels, minlength=10)
        assert np.abs(counts - total * np.bincount(_all_labels()) / 1797).max() <= 1


def test_images_belong_to_their_numbers():
    from sklearn.datasets import load_digits

    digits = load_digits()
    scans = load_scans(search=200, final=500, seed=0)["search"]
    np.testing.assert_array_equal(scans.labels, digits.target[scans.numbers])
    np.testing.assert_allclose(scans.images * 16, digits.images[scans.numbers])


def test_the_seed_decides_the_split():
    first, again, other = (load_scans(200, 500, seed)["final"].numbers for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


def test_a_limit_keeps_all_digits():
    parts = load_scans(search=20, final=30, seed=0, limit=100)
    assert sum(map(len, parts.values())) == 100
    assert all(set(scans.labels) == set(range(10)) for scans in parts.values())


def test_holding_everything_out_is_refused():
    with pytest.raises(SettingError, match="fewer than 100 held-out scans, but got search"):
        load_scans(search=50, final=50, seed=0, limit=100)


def _all_labels():
    from sklearn.datasets import load_digits

    return load_digits().target
