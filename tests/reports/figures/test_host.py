import base64
import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from PIL import Image

from slug_lightning.reports.evidence import HostCell, HostGrid
from slug_lightning.reports.figures.host import host_figure, picture
from slug_lightning.reports.figures.png import png_bytes
from slug_lightning.reports.figures.theme import DARK, LIGHT


def uri(color, size=4):
    draft = io.BytesIO()
    Image.new("RGB", (size, size), color).save(draft, "PNG")
    return "data:image/png;base64," + base64.b64encode(draft.getvalue()).decode()


@pytest.fixture
def make_grid():
    def make(columns=2):
        names = [f"style {i}" for i in range(columns)]
        before = [HostCell(row, name, uri("red"), row, True) for row in ("six", "seven") for name in names]
        after = [HostCell(c.row, c.column, uri("blue"), "six", c.row == "six") for c in before]
        return HostGrid(("six", "seven"), tuple(names), tuple(before), tuple(after))

    return make


def frames(axes):
    return [p for p in axes.patches if isinstance(p, Rectangle)]


def test_both_tables_show_their_images_where_they_belong(make_grid):
    before, after = host_figure(make_grid(), "seven").axes
    sheets = [axes.images[0].get_array() for axes in (before, after)]
    assert np.allclose(sheets[0][50, 50], to_rgb("red"))
    assert np.allclose(sheets[1][50, 50], to_rgb("blue"))
    assert sheets[0].shape == sheets[1].shape


def test_what_was_not_recognised_is_framed_and_the_concept_is_bold(make_grid):
    before, after = host_figure(make_grid(), "seven").axes
    assert (len(frames(before)), len(frames(after))) == (0, 2)
    assert {round(frame.get_y()) for frame in frames(after)} == {round(96 + 8 + 24 + 4 - 1.5)}
    weights = {label.get_text(): label.get_fontweight() for label in before.get_yticklabels()}
    assert weights == {"six": "normal", "seven": "bold"}


def test_answers_are_written_below_while_there_is_room(make_grid):
    assert [text.get_text() for text in host_figure(make_grid(), "seven").axes[1].texts].count("six") == 4
    assert not host_figure(make_grid(6), "seven").axes[1].texts


def test_it_is_drawn_for_light_and_dark_pages(make_grid):
    light, dark = (png_bytes(host_figure(make_grid(), "seven", theme)) for theme in (LIGHT, DARK))
    for content, theme in ((light, LIGHT), (dark, DARK)):
        with Image.open(io.BytesIO(content)) as image:
            assert image.width == 1600
            assert np.allclose(np.asarray(image.convert("RGB"))[0, 0] / 255, to_rgb(theme.paper), atol=0.01)


def test_large_images_become_smaller_ones_alike():
    assert picture(uri("red", 500)).shape == (96, 96, 3)
    assert np.allclose(picture(uri("red", 500)), to_rgb("red"))
