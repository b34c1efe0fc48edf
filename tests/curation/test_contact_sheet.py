from itertools import pairwise

from PIL import Image

from slug_lightning.curation.contact_sheet import MOST, Shown, draw_sheet, pick
from tests.curation.making import png


def sheet(path, count, caption="a seven"):
    draw_sheet([Shown(png(n, (60, 40)), caption, str(n)) for n in range(count)], "seven: pairs", path)
    with Image.open(path) as image:
        return image.convert("RGB")


def test_all_are_shown_or_some_evenly():
    assert pick(5) == [0, 1, 2, 3, 4]
    chosen = pick(1000)
    assert (len(chosen), chosen[0], chosen[-1]) == (MOST, 0, 999)
    assert len({b - a for a, b in pairwise(chosen)}) <= 2


def test_each_picture_is_on_the_sheet(tmp_path):
    image = sheet(tmp_path / "a.png", 10)
    colours = {image.getpixel((x, y)) for x in range(0, image.width, 4) for y in range(0, image.height, 4)}
    assert {(n, 0, 90) for n in range(10)} <= colours


def test_large_pictures_that_were_chosen_are_shown(tmp_path):
    draw_sheet([Shown(png(3, (8000, 4100)), "a seven", "")], "seven", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.convert("RGB").getpixel((90, 130)) == (3, 0, 90)


def test_rows_grow_with_the_number_and_one_is_enough(tmp_path):
    one, eight, nine = (sheet(tmp_path / f"{n}.png", n) for n in (1, 8, 9))
    assert one.height == eight.height < nine.height
    assert one.width < eight.width == nine.width


def test_captions_of_any_kind_are_written(tmp_path):
    plain = sheet(tmp_path / "a.png", 1, "")
    for caption in ("Ünï Ωмега \x00\n\t", "x" * 5000, "山" * 40, "a b " * 900):
        assert sheet(tmp_path / "b.png", 1, caption).size == plain.size
        assert sheet(tmp_path / "b.png", 1, caption).tobytes() != plain.tobytes()


def test_the_same_pairs_give_the_same_bytes(tmp_path):
    sheet(tmp_path / "a.png", 3)
    sheet(tmp_path / "b.png", 3)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
