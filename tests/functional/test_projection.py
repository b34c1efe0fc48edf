import torch

from slug_lightning.functional import without_component


def test_by_hand():
    # <g, r> = 2, |r|^2 = 4: (1, 2, 2) - 2/4 (2, 0, 0) = (0, 2, 2)
    assert without_component(torch.tensor([1.0, 2.0, 2.0]), torch.tensor([2.0, 0.0, 0.0])).tolist() == [
        0,
        2,
        2,
    ]


def test_nothing_is_left_along_the_other_and_the_rest_is_untouched():
    g, r = torch.randn(6, 5), torch.randn(6, 5)
    found = without_component(g, r)
    assert abs(float((found * r).sum())) < 1e-5
    torch.testing.assert_close(found + (g * r).sum() / (r * r).sum() * r, g, rtol=1e-5, atol=1e-6)


def test_a_small_step_along_it_leaves_a_loss_with_that_gradient_alone():
    r, g = torch.randn(8), torch.randn(8)
    change = (r @ without_component(g, r)).abs()
    assert change < 1e-5 < (r @ g).abs()


def test_along_zero_nothing_is_removed():
    assert without_component(torch.ones(2), torch.zeros(2)).tolist() == [1.0, 1.0]
