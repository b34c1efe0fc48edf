import pytest
import torch

from slug_lightning.functional.unlearning_accuracy import unlearning_accuracies


def by_hand(own, other, total, target):
    """Image by image, as the benchmark's scripts count: one accuracy per name, then the mean of them."""
    rows, columns = total.shape

    def share(hits, cells):
        return sum(int(hits[cell]) for cell in cells) / sum(int(total[cell]) for cell in cells)

    of_row = [share(own, [(i, j) for j in range(columns)]) for i in range(rows)]
    others = [i for i in range(rows) if i != target]
    everywhere = [share(other, [(i, j) for i in range(rows)]) for j in range(columns)]
    elsewhere = [share(other, [(i, j) for i in others]) for j in range(columns)]
    return (
        1 - of_row[target],
        sum(of_row[i] for i in others) / len(others),
        sum(everywhere) / columns,
        sum(elsewhere) / columns,
    )


@pytest.mark.parametrize("seed", range(5))
def test_equals_counting_by_hand(seed):
    generator = torch.Generator().manual_seed(seed)
    total = torch.randint(1, 6, (5, 4), generator=generator)
    own = torch.minimum(torch.randint(0, 6, (5, 4), generator=generator), total)
    other = torch.minimum(torch.randint(0, 6, (5, 4), generator=generator), total)
    for target in range(5):
        found = unlearning_accuracies(own, other, total, target)
        assert list(found.values()) == pytest.approx(by_hand(own, other, total, target))


def test_a_model_that_forgot_the_target_alone_has_three_times_one():
    total = torch.full((4, 3), 5)
    own = total.clone()
    own[2] = 0
    assert tuple(unlearning_accuracies(own, total, total, 2).values()) == (1, 1, 1, 1)
    assert tuple(unlearning_accuracies(total, total, total, 2).values()) == (0, 1, 1, 1)


def test_objects_lost_in_the_targets_images_alone_count_in_one_of_the_two():
    total = torch.full((4, 3), 5)
    other = total.clone()
    other[2] = 0
    found = unlearning_accuracies(total, other, total, 2)
    assert found["CRA"] == pytest.approx(0.75)
    assert found["CRA_elsewhere"] == 1
