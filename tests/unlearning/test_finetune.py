import pytest

from slug_lightning.unlearning import FineTune
from tests.unlearning.baselines import by_hand, edited


def test_the_formula_by_hand():
    # theta = (1, 2, 3, 4), retain gradient (1, 0, -2, 4), rate 0.1: theta - 0.1 g, then once more.
    module = by_hand(
        FineTune, (9, 9, 9, 9), (1, 0, -2, 4), learning_rates=[0.1], updates=[1, 2], optimizer="sgd"
    )
    found = edited(module)
    assert found["learning_rate 0.1, updates 1"] == pytest.approx([0.9, 2.0, 3.2, 3.6])
    assert found["learning_rate 0.1, updates 2"] == pytest.approx([0.8, 2.0, 3.4, 3.2])
