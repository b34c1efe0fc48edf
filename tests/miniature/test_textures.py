import numpy as np

from slug_lightning.miniature.textures import lay, lines, noise, relief


def test_noise_has_unit_spread_and_its_grain():
    fine, coarse = (noise(np.random.default_rng(0), 20, grain) for grain in (0.5, 3))
    np.testing.assert_allclose([fine.std(), coarse.std()], 1, atol=1e-5)
    steps = [np.abs(np.diff(field, axis=2)).mean() for field in (fine, coarse)]
    assert steps[0] > 3 * steps[1]


def test_paint_covers_where_the_cover_is_one():
    ground, paint = np.zeros((1, 1, 2, 3), np.float32), np.ones((1, 1, 1, 3), np.float32)
    mixed = lay(ground, paint, np.array([[[0.0, 1.0]]], np.float32))
    np.testing.assert_array_equal(mixed[0, 0, :, 0], [0, 1])


def test_lines_are_one_pixel_wide_and_evenly_spaced():
    down, right = lines(5, 6, np.random.default_rng(0))
    assert down.shape == right.shape == (5, 32, 32)
    for field, axis in ((down, 0), (right, 1)):
        profile = field[0].max(axis=1 - axis)
        assert set(np.diff(np.flatnonzero(profile))) == {6}


def test_light_falls_from_the_upper_left():
    hill = np.zeros((1, 32, 32), np.float32)
    hill[0, 12:20, 12:20] = 1
    light = relief(hill, 1)[0]
    assert light[11, 11] > 0.1
    assert light[20, 20] < -0.1
