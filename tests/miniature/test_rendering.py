import numpy as np

from slug_lightning.miniature.rendering import place, stroke


def test_a_still_scan_keeps_its_centre_of_ink():
    scan = np.zeros((1, 8, 8), np.float32)
    scan[0, 2, 5] = 1  # upper right
    height = place(scan, np.random.default_rng(0), vary=0)
    y, x = np.unravel_index(height[0].argmax(), (32, 32))
    # Cell (2, 5) of 8, each 26/8 pixels wide, the scan centred on 32 pixels.
    assert abs(y - (15.5 + (2 - 3.5) * 26 / 8)) <= 1
    assert abs(x - (15.5 + (5 - 3.5) * 26 / 8)) <= 1


def test_heights_stay_in_range_and_move_with_the_generator():
    scans = np.random.default_rng(1).random((40, 8, 8), dtype=np.float32)
    one, same, other = (place(scans, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one.shape == (40, 32, 32)
    assert one.dtype == np.float32
    assert one.min() >= 0
    assert one.max() <= 1
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1


def test_the_rim_of_a_stroke_is_half_covered():
    height = np.array([0.0, 0.45, 1.0], np.float32)
    np.testing.assert_allclose(stroke(height), [0.0, 0.5, 1.0], atol=2e-3)


def test_a_lower_rim_is_bolder():
    height = np.linspace(0, 1, 50, dtype=np.float32)
    assert (stroke(height, edge=0.3) > stroke(height, edge=0.5)).all()
