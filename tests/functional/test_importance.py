import pytest
import torch

from slug_lightning.functional import importance


def test_scales_with_the_gradient_and_against_the_weight():
    gradient, weight = torch.randn(3, 4), torch.randn(3, 4)
    base = importance(gradient, weight)
    assert importance(2 * gradient, weight) == pytest.approx(2 * base)
    assert importance(gradient, 2 * weight) == pytest.approx(base / 2)


def test_zero_weight_is_infinite():
    assert importance(torch.ones(2), torch.zeros(2)) == float("inf")
