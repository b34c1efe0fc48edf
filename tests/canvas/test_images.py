import pytest
import torch
from torchvision.transforms import ToTensor

from slug_lightning.canvas.images import CanvasImages, find_answers, find_references, images_digest
from slug_lightning.errors import BadDataError, DataNotFoundError
from tests.canvas.making import SMALL, write_answers, write_references


@pytest.fixture
def answers(tmp_path):
    return write_answers(tmp_path / "answers")


def test_labels_follow_from_the_names(answers):
    listed = find_answers(answers, SMALL)
    images = CanvasImages(listed, ToTensor(), 16)
    assert len(images) == 8
    item = images[6]
    assert listed[6].path.name == "Photo_cat_seed5.jpg"
    assert (item["style"], item["object"]) == (1, 0)
    assert item["pixels"].shape == (3, 16, 16)
    assert item["pixels"].dtype == torch.uint8
    assert item["view"].max() <= 1


def test_a_hole_is_named(answers):
    (answers / "Photo_dog_seed3.jpg").unlink()
    with pytest.raises(DataNotFoundError, match="but 1 are not there, first Photo_dog_seed3.jpg"):
        find_answers(answers, SMALL)


def test_a_damaged_image_is_named(answers):
    (answers / "Photo_dog_seed3.jpg").write_bytes(b"\xff\xd8\xff cut")
    images = CanvasImages(find_answers(answers, SMALL), ToTensor(), 16)
    with pytest.raises(BadDataError, match="Photo_dog_seed3.jpg' but it cannot be read"):
        images[3]


def test_references_do_not_show_the_target_and_are_resized(tmp_path):
    root = write_references(tmp_path / "data")
    assert len(find_references(root, SMALL, None)) == 2 * 2 * 2
    without_style = find_references(root, SMALL, "Red_Ink")
    assert {item.path.parent.parent.name for item in without_style} == {"Photo"}
    without_object = find_references(root, SMALL, "dog")
    assert {item.path.parent.name for item in without_object} == {"cat"}
    assert CanvasImages(without_style, ToTensor(), 16)[0]["pixels"].shape == (3, 16, 16)
    (root / "Photo" / "cat" / "2.jpg").unlink()
    with pytest.raises(DataNotFoundError, match="first Photo/cat/2.jpg"):
        find_references(root, SMALL, "Red_Ink")


def test_the_digest_is_of_the_bytes(answers):
    before = images_digest(find_answers(answers, SMALL))
    assert images_digest(find_answers(answers, SMALL)) == before
    path = answers / "Red_Ink_cat_seed3.jpg"
    path.write_bytes(path.read_bytes() + b"x")
    assert images_digest(find_answers(answers, SMALL)) != before
