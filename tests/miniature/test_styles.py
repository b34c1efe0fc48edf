import numpy as np
import pytest

from slug_lightning.miniature.rendering import place
from slug_lightning.miniature.scans import load_scans
from slug_lightning.miniature.styles import STYLES


@pytest.fixture(scope="module")
def heights():
    scans = load_scans(search=200, final=500, seed=0)["search"]
    return place(scans.images, np.random.default_rng(0))


def drawn(style, heights, seed=0):
    return np.clip(style.draw(heights, np.random.default_rng(seed)), 0, 1)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_a_style_draws_colour_pictures_that_show_the_stroke(style, heights):
    pictures = drawn(style, heights)
    assert pictures.shape == (len(heights), 32, 32, 3)
    blank = drawn(style, np.zeros_like(heights))
    changed = np.abs(pictures - blank).max(axis=-1)
    assert changed[heights > 0.35].mean() > 0.1  # the same ground, other ink
    assert changed[heights > 0.35].mean() > 3 * changed[heights < 0.05].mean()


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_a_style_varies_by_its_generator_only(style, heights):
    np.testing.assert_array_equal(drawn(style, heights), drawn(style, heights))
    assert np.abs(drawn(style, heights) - drawn(style, heights, seed=1)).max() > 0.05


def test_styles_are_told_apart_by_mean_and_spread_of_colour(heights):
    def features(seed):
        pictures = [drawn(style, heights[:60], seed).reshape(60, -1, 3) for style in STYLES]
        return np.stack([np.concatenate([p.mean(1), p.std(1)], axis=1) for p in pictures])

    centres = features(0).mean(axis=1)
    distances = np.linalg.norm(features(1)[:, :, None] - centres, axis=-1)
    hits = distances.argmin(axis=-1) == np.arange(len(STYLES))[:, None]
    assert hits.mean() > 0.95


def test_names_are_different_and_lower_case():
    names = [style.name for style in STYLES]
    assert len(set(names)) == len(STYLES) >= 8
    assert all(name == name.lower() for name in names)
