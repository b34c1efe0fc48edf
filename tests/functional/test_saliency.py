import pytest
import torch

from slug_lightning.functional import saliency_masks


def test_the_top_half_by_hand():
    # |g|: 5 1 4 | 3 2 6  ->  the three largest of six are 6, 5 and 4.
    found = saliency_masks({"a": torch.tensor([-5.0, 1.0, 4.0]), "b": torch.tensor([[3.0], [2.0], [-6.0]])})
    assert found["a"].tolist() == [True, False, True]
    assert found["b"].tolist() == [[False], [False], [True]]


def test_layers_are_ranked_together_so_a_weak_layer_may_get_nothing():
    found = saliency_masks({"strong": torch.full((4,), 9.0), "weak": torch.full((4,), 0.1)})
    assert found["strong"].all()
    assert not found["weak"].any()


@pytest.mark.parametrize(("share", "count"), [(0.5, 50), (0.25, 25), (1.0, 100), (0.001, 1)])
def test_exactly_the_share_is_marked_even_where_gradients_are_equal(share, count):
    found = saliency_masks({"a": torch.zeros(60), "b": torch.zeros(40)}, share)
    assert sum(int(mask.sum()) for mask in found.values()) == count


def test_a_mask_equals_brute_force():
    gradients = {"a": torch.randn(7, 3), "b": torch.randn(20)}
    flat = torch.cat([g.flatten().abs() for g in gradients.values()])
    threshold = flat.sort(descending=True).values[round(0.3 * len(flat)) - 1]
    for name, mask in saliency_masks(gradients, 0.3).items():
        assert torch.equal(mask, gradients[name].abs() >= threshold)
