import numpy as np
import torch
from PIL import Image

from slug_lightning.miniature.diffusion.grid import draw_grids


def pixels(path):
    with Image.open(path) as sheet:
        return np.asarray(sheet).astype(int)


def test_each_picture_stands_in_its_cell_with_a_frame_where_it_is_missed(tmp_path):
    images = torch.zeros(10, 10, 3, 32, 32)
    images[7, 1, 2] = 1.0  # blue, as no letter is
    missed = torch.zeros(10, 10, dtype=torch.bool)
    missed[7, 1] = True
    path = tmp_path / "grid.png"
    draw_grids([("before", images), ("after", images)], path, [torch.zeros_like(missed), missed])
    sheet = pixels(path)
    blue = (sheet == (0, 0, 255)).all(axis=2)
    assert int(blue.sum()) == 2 * 64 * 64
    rows, columns = blue.any(axis=1).nonzero()[0], blue.any(axis=0).nonzero()[0]
    assert np.ptp(rows) == 63
    assert len(columns) == 2 * 64
    red = (sheet == (207, 34, 46)).all(axis=2)
    framed = red.any(axis=0).nonzero()[0]
    assert framed.min() == columns[64:].min() - 2
    assert framed.max() == columns.max() + 2


def test_it_is_one_picture_without_frames(tmp_path):
    draw_grids([("only", torch.rand(10, 10, 3, 32, 32))], tmp_path / "grid.png")
    assert pixels(tmp_path / "grid.png").shape[1] > 10 * 64
