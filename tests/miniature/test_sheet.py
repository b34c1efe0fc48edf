import numpy as np
import torch

from slug_lightning.miniature.sheet import picture_sheet


def red(sheet):
    pixels = np.asarray(sheet).astype(int)
    return (pixels[..., 0] - pixels[..., 1] > 100).any(axis=-1)


def test_wrong_answers_alone_are_red():
    images = torch.full((3, 3, 32, 32), 90, dtype=torch.uint8)
    truth = ["one", "two", "three"]
    assert not red(picture_sheet(images, (truth, truth))).any()
    sheet = picture_sheet(images, (truth, truth), (["one", "two", "one"], truth))
    rows = np.flatnonzero(red(sheet))
    assert rows.min() > 96 + 18  # in the second line
    columns = np.flatnonzero((np.asarray(sheet)[..., 0].astype(int) - np.asarray(sheet)[..., 1] > 100).any(0))
    assert columns.min() > 2 * 96  # below the third picture


def test_pictures_fill_rows():
    images = torch.zeros(5, 3, 32, 32, dtype=torch.uint8)
    one, two = (picture_sheet(images, (["a"] * 5, ["a"] * 5), columns=columns) for columns in (5, 3))
    assert two.height > one.height
    assert two.width < one.width
