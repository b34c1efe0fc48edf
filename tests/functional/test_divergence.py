import math

import torch

from slug_lightning.functional import jensen_shannon


def test_by_hand():
    # p = (1/2, 1/2), q = (1, 0), m = (3/4, 1/4), in bits:
    # KL(p|m) = 1/2 log(2/3) + 1/2 log 2 = 0.2075; KL(q|m) = log(4/3) = 0.4150; half the sum = 0.3113
    found = jensen_shannon(torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, 0.0]]))
    expected = 0.5 * (0.5 * math.log2(2 / 3) + 0.5 * math.log2(2)) + 0.5 * math.log2(4 / 3)
    assert abs(expected - 0.3113) < 1e-4
    torch.testing.assert_close(found, torch.tensor([expected]))


def test_symmetric_bounded_and_zero_for_equals_alone():
    one, other = torch.rand(50, 7).softmax(dim=1), (9 * torch.rand(50, 7)).softmax(dim=1)
    found = jensen_shannon(one, other)
    torch.testing.assert_close(found, jensen_shannon(other, one))
    assert ((found > 0) & (found < 1)).all()
    assert jensen_shannon(one, one).max() < 1e-6
