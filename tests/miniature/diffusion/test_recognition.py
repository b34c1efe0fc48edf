import pytest
import torch

from slug_lightning.errors import ConceptNotFoundError
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.recognition import Recognised, cells_of, find, recognise


@pytest.fixture
def recognised():
    """Seven is recognised in no style, chalk drawings are all recognised, nothing else is counted wrong."""
    digit = torch.ones(2, 10, 10, dtype=torch.bool)
    digit[:, 7] = False
    style = torch.ones(2, 10, 10, dtype=torch.bool)
    style[0, :, 2] = False
    return Recognised({"digit": digit, "style": style})


def test_rates_of_one_and_of_the_others(recognised):
    assert recognised.rate("digit") == pytest.approx(0.9)
    assert recognised.rate("digit", of="seven") == 0
    assert recognised.rate("digit", without="seven") == 1
    assert recognised.rate("style", of="neon sign") == 0.5
    assert recognised.rate("style", without="neon sign") == 1
    assert recognised.rate("digit", of="neon sign") == pytest.approx(0.9)
    assert recognised.rate("style", without="seven") == pytest.approx(0.95)


def test_rates_by_name(recognised):
    assert recognised.by_name("digit")["seven"] == 0
    assert recognised.by_name("style")["neon sign"] == 0.5
    assert len(recognised.by_name("style")) == 10


def test_intervals_count_the_images(recognised):
    low, high = recognised.interval("digit", of="seven")
    assert low == 0
    assert high == pytest.approx(0.161, abs=0.001)  # Wilson, 0 of 20


def test_cells_of_digits_are_rows_and_of_styles_columns():
    assert cells_of("three")[3].all()
    assert cells_of("gold leaf")[:, 8].all()
    assert int(cells_of("three").sum()) == int(cells_of("gold leaf").sum()) == 10


def test_an_unknown_name_is_answered_with_near_ones():
    with pytest.raises(ConceptNotFoundError, match="got 'sevn'.*seven"):
        find("sevn")


def test_real_drawings_are_recognised_where_they_stand():
    drawings = draw_part("final", seed=7, limit=60)
    grid = torch.zeros(1, 10, 10, 3, 32, 32)
    for digit in range(10):
        for style in range(10):
            row = int(((drawings.digits == digit) & (drawings.styles == style)).nonzero()[0])
            grid[0, digit, style] = drawings.pixels(torch.tensor([row]))[0]
    found = recognise(grid)
    assert found.rate("digit") >= 0.9
    assert found.rate("style") >= 0.9
    assert recognise(grid.roll(1, dims=1)).rate("digit") <= 0.1
    assert recognise(grid.roll(1, dims=1)).rate("style") >= 0.9
    assert recognise(grid.roll(1, dims=2)).rate("style") <= 0.1
