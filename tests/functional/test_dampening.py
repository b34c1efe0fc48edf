import torch

from slug_lightning.functional import dampen


def test_the_paper_s_formula_by_hand():
    weight = torch.tensor([[1.0, -2.0, 4.0], [8.0, 3.0, 5.0]])
    forget = torch.tensor([[10.0, 10.0, 1.0], [4.0, 6.0, 0.0]])
    retain = torch.tensor([[1.0, 4.0, 1.0], [2.0, 0.0, 0.0]])
    # alpha = 2, lambda = 1.5:
    # I_f > 2 I_r?   10 > 2 yes        10 > 8 yes        1 > 2 no
    #                4 > 4 no          6 > 0 yes         0 > 0 no
    # beta           1.5 * 1/10 = .15  1.5 * 4/10 = .6   1
    #                1                 1.5 * 0/6 = 0     1
    expected = torch.tensor([[0.15, -1.2, 4.0], [8.0, 0.0, 5.0]])
    torch.testing.assert_close(dampen(weight, forget, retain, selection=2.0, dampening=1.5), expected)


def test_a_factor_above_one_never_grows_a_weight():
    # I_f > 0.5 I_r is selected, 4 * 1 / 2 = 2 is cut to 1.
    found = dampen(torch.tensor([3.0]), torch.tensor([2.0]), torch.tensor([1.0]), 0.5, 4.0)
    assert found.tolist() == [3.0]


def test_the_original_weights_stay_as_they_are():
    weight = torch.ones(3)
    dampen(weight, torch.ones(3), torch.zeros(3), 1.0, 1.0)
    assert weight.tolist() == [1.0, 1.0, 1.0]


def test_less_selection_and_less_dampening_shrink_more():
    weight, forget, retain = torch.rand(500) + 0.1, torch.rand(500), torch.rand(500)
    sizes = [dampen(weight, forget, retain, a, 1.0).norm() for a in (4.0, 2.0, 1.0)]
    assert sizes[0] > sizes[1] > sizes[2]
    sizes = [dampen(weight, forget, retain, 1.0, b).norm() for b in (1.0, 0.5, 0.1)]
    assert sizes[0] > sizes[1] > sizes[2]
