import pytest
import torch

from slug_lightning.errors import DataNotFoundError
from slug_lightning.miniature.diffusion.classifiers import (
    LABELS,
    PictureClassifier,
    classifier_file,
    load_classifier,
    train_classifier,
)
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.optimising import Schedule
from slug_lightning.miniature.diffusion.pipeline import WEIGHTS
from slug_lightning.miniature.diffusion.train import held_out_accuracy


def test_a_few_updates_tell_styles_apart():
    drawings = draw_part("train", limit=20)
    model = train_classifier("style", drawings, Schedule(25, 64, 3e-3, warmup=5, average=0.5))
    found = model.recognise(drawings.images)
    assert (found == drawings.styles).float().mean() > 0.5


def test_bytes_and_unit_pixels_are_the_same_picture():
    torch.manual_seed(0)
    model = PictureClassifier().eval()
    images = torch.randint(0, 256, (7, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(model.recognise(images, batch_size=2), model.recognise(images.float() / 255))


@pytest.mark.parametrize("label", LABELS)
def test_shipped_classifiers_know_held_out_drawings(label):
    accuracy = held_out_accuracy(label, load_classifier(label, WEIGHTS), draw_part("final", seed=5, limit=50))
    assert accuracy.n == 500
    assert accuracy.value >= 0.95


def test_a_missing_classifier_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"digit_classifier\.safetensors.*diffusion\.train"):
        load_classifier("digit", tmp_path)


def test_files_are_small():
    assert max(classifier_file(label, WEIGHTS).stat().st_size for label in LABELS) < 400_000
