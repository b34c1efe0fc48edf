import pytest
import torch

from slug_lightning.errors import SettingError
from slug_lightning.metrics import Accuracy, ForgetAccuracy, ZeroShotAccuracy


def test_equals_a_plain_loop_over_the_data_in_any_batching():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(53, 7, generator=generator)
    labels = torch.randint(0, 7, (53,), generator=generator)
    hits = {1: 0, 5: 0}
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        best = sorted(range(7), key=lambda c: -row[c])
        for k in hits:
            hits[k] += label in best[:k]
    for size in (1, 8, 53):
        metric = ZeroShotAccuracy(top_k=(1, 5))
        for start in range(0, 53, size):
            metric.update(logits[start : start + size], labels[start : start + size])
        assert metric.accuracies() == {"top1": Accuracy(hits[1], 53), "top5": Accuracy(hits[5], 53)}
        torch.testing.assert_close(metric.compute(), torch.tensor([hits[1] / 53, hits[5] / 53]))


def test_trials_are_counted_apart():
    metric = ZeroShotAccuracy(top_k=(1,), trials=2)
    good, bad = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    metric.update(good, torch.tensor([0]), trial=0)
    metric.update(bad, torch.tensor([0]), trial=1)
    metric.update(bad, torch.tensor([0]), trial=1)
    assert metric.accuracies(0)["top1"] == Accuracy(1, 1)
    assert metric.accuracies(1)["top1"] == Accuracy(0, 2)


def test_broken_scores_are_counted_and_never_hits():
    metric = ForgetAccuracy(top_k=(1,))
    metric.update(torch.full((3, 4), float("nan")), torch.zeros(3, dtype=torch.long))
    assert metric.accuracies()["top1"] == Accuracy(0, 3)
    assert metric.broken_rows() == 3


def test_directions():
    assert ZeroShotAccuracy.higher_is_better
    assert not ForgetAccuracy.higher_is_better


def test_empty_is_unknown_not_zero():
    accuracy = ZeroShotAccuracy().accuracies()["top1"]
    assert accuracy.value != accuracy.value
    assert accuracy.ci95 == (0.0, 1.0)


def test_bad_settings_are_refused():
    with pytest.raises(SettingError, match="positive ranks"):
        ZeroShotAccuracy(top_k=(0,))
