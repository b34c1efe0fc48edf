import io

import numpy as np
import pytest
from PIL import Image

from slug_lightning.miniature.pictures import draw, draw_all_styles, draw_balanced
from slug_lightning.miniature.scans import load_scans
from slug_lightning.miniature.styles import STYLES


@pytest.fixture(scope="module")
def scans():
    return load_scans(search=20, final=60, seed=0, limit=100)["search"]


def rng():
    return np.random.default_rng(0)


def test_pictures_come_in_the_order_asked_for(scans):
    styles = np.arange(len(scans)) % 3
    pictures = draw(scans, styles, rng())
    assert [p.digit for p in pictures] == scans.labels.tolist()
    assert [p.scan for p in pictures] == scans.numbers.tolist()
    assert [p.style for p in pictures] == styles.tolist()


def test_a_picture_is_a_jpeg_of_32_pixels_with_full_colour(scans):
    image = Image.open(io.BytesIO(draw(scans, np.zeros(len(scans), int), rng())[0].jpeg))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (32, 32))
    assert [part[1:3] for part in image.layer] == [(1, 1)] * 3  # no chroma subsampling


def test_every_scan_is_drawn_once_in_every_style(scans):
    pictures = draw_all_styles(scans, rng())
    pairs = sorted((p.scan, p.style) for p in pictures)
    assert pairs == sorted((n, s) for n in scans.numbers.tolist() for s in range(len(STYLES)))
    assert [p.scan for p in pictures] != sorted(p.scan for p in pictures)


def test_balanced_styles_are_balanced_and_differ_per_scan():
    final = load_scans(search=200, final=500, seed=0)["final"]
    pictures = draw_balanced(final, 1, 3, rng())
    assert np.bincount([p.style for p in pictures]).tolist() == [50] * 10
    per_digit = np.zeros((10, 10), int)
    for p in pictures:
        per_digit[p.digit, p.style] += 1
    assert per_digit.max() - per_digit.min() <= 2
    four = draw_balanced(final.take(np.arange(20)), 4, 0, rng())
    assert all(len({p.style for p in four[i : i + 4]}) == 4 for i in range(0, 80, 4))
