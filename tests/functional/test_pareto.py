import random

import pytest

from slug_lightning.functional import pareto_front


def brute_force(importance: list[float], alignment: list[float]) -> set[int]:
    def dominates(a: int, b: int) -> bool:
        better = importance[a] >= importance[b] and alignment[a] <= alignment[b]
        return better and (importance[a] > importance[b] or alignment[a] < alignment[b])

    indices = range(len(importance))
    return {i for i in indices if not any(dominates(j, i) for j in indices)}


@pytest.mark.parametrize("seed", range(50))
def test_equals_brute_force(seed):
    random.seed(seed)
    size = random.randint(1, 30)
    # Few distinct values, so that ties in one score, in both, and duplicates all occur.
    importance = [random.randint(0, 6) / 2 for _ in range(size)]
    alignment = [random.randint(0, 6) / 2 for _ in range(size)]
    front = pareto_front(importance, alignment)
    assert set(front) == brute_force(importance, alignment)
    assert len(front) == len(set(front))
    assert [importance[i] for i in front] == sorted((importance[i] for i in front), reverse=True)


def test_empty():
    assert pareto_front([], []) == []


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="shorter"):
        pareto_front([1.0, 2.0], [1.0])
