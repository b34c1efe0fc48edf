import pytest

from slug_lightning.unlearning import GradientAscent
from tests.unlearning.baselines import by_hand, edited


def test_the_formula_by_hand():
    # theta = (1, 2, 3, 4), forget gradient (1, 0, -2, 4), rate 0.5: theta + 0.5 g, up the forget loss.
    module = by_hand(
        GradientAscent, (1, 0, -2, 4), (9, 9, 9, 9), learning_rates=[0.5], updates=[1], optimizer="sgd"
    )
    assert edited(module)["learning_rate 0.5, updates 1"] == pytest.approx([1.5, 2.0, 2.0, 6.0])


def test_adam_goes_the_same_way_by_its_own_first_step():
    # Adam's first step is the rate times the sign of the gradient (up to 1e-8).
    module = by_hand(GradientAscent, (1, 0, -2, 4), (9, 9, 9, 9), learning_rates=[0.5], updates=[1])
    assert edited(module)["learning_rate 0.5, updates 1"] == pytest.approx([1.5, 2.0, 2.5, 4.5])
