import pytest
import torch

from slug_lightning.functional.unlearning_accuracy import unlearning_accuracies
from slug_lightning.metrics.canvas_accuracy import CanvasAccuracy


def drawn(count=120, seed=0):
    """Scores of 4 styles and 3 objects that are right about half of the time, and what was asked for."""
    generator = torch.Generator().manual_seed(seed)
    styles = torch.arange(count) % 4
    objects = torch.arange(count) // 4 % 3
    scores = [torch.randn(count, width, generator=generator) for width in (4, 3)]
    scores[0][torch.arange(0, count, 2), styles[::2]] += 9
    scores[1][torch.arange(0, count, 3), objects[::3]] += 9
    return *scores, styles, objects


def metric(kind="style", target=1):
    return CanvasAccuracy(4, 3, kind, target)


def test_batches_add_up_and_equal_the_formula():
    batch = drawn()
    whole, parts = metric(), metric()
    whole.update(*batch)
    for some in range(0, 120, 50):
        parts.update(*(tensor[some : some + 50] for tensor in batch))
    assert parts.compute() == whole.compute()
    style_logits, object_logits, styles, objects = batch
    own, other, total = torch.zeros(4, 3), torch.zeros(4, 3), torch.zeros(4, 3)
    for i in range(120):
        cell = int(styles[i]), int(objects[i])
        own[cell] += float(style_logits[i].argmax() == styles[i])
        other[cell] += float(object_logits[i].argmax() == objects[i])
        total[cell] += 1
    expected = unlearning_accuracies(own, other, total, 1)
    assert [float(v) for v in whole.compute().values()] == pytest.approx(list(expected.values())[:3])


def test_a_target_object_is_the_mirror_image_of_a_target_style():
    style_logits, object_logits, styles, objects = drawn()
    mirrored = CanvasAccuracy(3, 4, "style", 2)
    mirrored.update(object_logits, style_logits, objects, styles)
    straight = metric("object", 2)
    straight.update(style_logits, object_logits, styles, objects)
    assert straight.compute() == mirrored.compute()


def test_what_was_taken_for_what_is_kept_and_forgotten():
    counted = metric()
    counted.update(*drawn())
    table = counted.styles_taken
    assert table.sum() == 120
    assert torch.equal(table.diag(), counted.style_hits.sum(1))
    counted.reset()
    assert counted.total.sum() == 0
    assert counted.styles_taken.sum() == 0
