import pytest
import torch

from slug_lightning.functional import alignment


def test_ignores_scale_and_sign():
    a, b = torch.randn(5, 3), torch.randn(5, 3)
    assert alignment(-3 * a, 0.5 * b) == pytest.approx(alignment(a, b), abs=1e-6)


def test_is_one_for_parallel_and_zero_for_orthogonal():
    a = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    b = torch.tensor([[0.0, 0.0], [3.0, 1.0]])
    assert alignment(a, -a) == pytest.approx(1)
    assert alignment(a, b) == 0


def test_zero_gradient_touches_nothing():
    assert alignment(torch.zeros(3), torch.ones(3)) == 0
