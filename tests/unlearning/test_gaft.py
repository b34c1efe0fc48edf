import pytest

from slug_lightning.unlearning import GradientAscentFineTune
from tests.unlearning.baselines import by_hand, edited


def test_the_formula_by_hand():
    # theta = (1, 2, 3, 4), g_f = (1, 0, -2, 4), g_r = (0, 1, -2, -4), rate 0.5:
    # theta - 0.5 (g_r - g_f) = (1, 2, 3, 4) - 0.5 (-1, 1, 0, -8)
    module = by_hand(
        GradientAscentFineTune,
        (1, 0, -2, 4),
        (0, 1, -2, -4),
        learning_rates=[0.5],
        updates=[1],
        optimizer="sgd",
    )
    assert edited(module)["learning_rate 0.5, updates 1"] == pytest.approx([1.5, 1.5, 3.0, 8.0])
