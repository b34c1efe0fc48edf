import pytest

from slug_lightning.errors import SettingError
from slug_lightning.unlearning import SalUn
from tests.unlearning.baselines import by_hand, edited


def test_the_formula_by_hand():
    # theta = (1, 2, 3, 4), g_f = (1, 0, -2, 4), so |g_f| marks the last two, one layer of two.
    # theta - 0.5 m (g_r - g_f) = (1, 2, 3, 4) - 0.5 (0, 0, 3 + 2, -4 - 4)
    module = by_hand(SalUn, (1, 0, -2, 4), (7, 7, 3, -4), learning_rates=[0.5], updates=[1], optimizer="sgd")
    assert edited(module)["learning_rate 0.5, updates 1"] == pytest.approx([1.0, 2.0, 0.5, 8.0])


def test_what_the_mask_leaves_out_keeps_its_value_to_the_last_bit_under_adam_too():
    module = by_hand(SalUn, (1, 0, -2, 4), (7, 7, 3, -4), learning_rates=[0.1], updates=[5], share=0.25)
    (weights,) = edited(module).values()
    assert weights[:3] == [1.0, 2.0, 3.0]
    assert weights[3] > 4.0


def test_a_share_out_of_range_is_refused():
    with pytest.raises(SettingError, match=r"model.share in \(0, 1\], but got 1.5"):
        SalUn(share=1.5)
