import pytest

from slug_lightning.errors import SettingError
from slug_lightning.unlearning import SSD
from tests.unlearning.baselines import by_hand, edited


def test_the_formula_by_hand():
    # I_f = (16, 1, 4, 0), I_r = (1, 1, 4, 1), alpha = 2: 16 > 2 is selected, 1 > 2, 4 > 8 and 0 > 2 are not.
    # lambda = 4: beta = 4 * 1 / 16 = 0.25; lambda = 32: min(2, 1) = 1.
    module = by_hand(SSD, (4, 1, 2, 0), (1, -1, -2, 1), selections=[2], dampenings=[4, 32])
    found = edited(module)
    assert found["selection 2, dampening 4"] == pytest.approx([0.25, 2.0, 3.0, 4.0])
    assert found["selection 2, dampening 32"] == pytest.approx([1.0, 2.0, 3.0, 4.0])


def test_every_setting_starts_from_the_original_weights():
    # Were each dampened on top of the one before, the second would be 0.25 * 0.25.
    module = by_hand(SSD, (4, 0, 0, 0), (1, 1, 1, 1), selections=[1, 2], dampenings=[4])
    assert [weights[0] for weights in edited(module).values()] == pytest.approx([0.25, 0.25])


def test_importance_is_the_mean_of_squares_not_the_square_of_the_mean():
    module = by_hand(SSD, (1, 1, 1, 1), (2, 0, 0, 0))
    other = {"role": "retain", "key": ["z", "w"], "image": module.pairs.batches["retain"][0]["image"]}
    module.pairs.add({**other, "gradient": (-2, 0, 0, 0), "skipped": {}})
    assert module.importance("retain")["a"].tolist() == [4.0, 0.0]


def test_settings_must_be_positive():
    with pytest.raises(SettingError, match="positive model.selections"):
        SSD(selections=[0.0])
