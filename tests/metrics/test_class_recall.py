import math

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from slug_lightning.metrics import MeanClassRecall


def scores(count, classes, seed):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (count,), generator=generator)
    return torch.randn(count, classes, generator=generator), labels


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("seed", range(5))
def test_it_is_scikit_learn_s_balanced_accuracy_in_any_batches(seed):
    logits, labels = scores(60, 12, seed)
    labels[labels == 3] = 4  # a class without images
    metric = MeanClassRecall(12)
    for start in range(0, 60, 7):
        metric.update(logits[start : start + 7], labels[start : start + 7])
    expected = balanced_accuracy_score(labels, logits.argmax(dim=1))
    assert float(metric.compute()) == pytest.approx(expected, abs=1e-12)


def test_trials_are_counted_apart():
    metric = MeanClassRecall(2, trials=2)
    metric.update(torch.eye(2), torch.tensor([0, 1]), trial=0)
    metric.update(torch.eye(2), torch.tensor([1, 0]), trial=1)
    assert metric.compute().tolist() == [1.0, 0.0]


def test_without_images_it_is_nan_and_broken_scores_are_no_hits():
    metric = MeanClassRecall(2)
    assert math.isnan(metric.mean_recall())
    metric.update(torch.full((1, 2), float("nan")), torch.tensor([0]))
    assert metric.mean_recall() == 0.0
