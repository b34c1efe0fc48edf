import pytest

from slug_lightning.curation.rows import Row, fetch_rows, find_rows, other_rows, usable_caption
from slug_lightning.data.reasons import BadMemberError, SkipReason
from tests.curation.making import CAPTIONS, NAMING, elon, png
from tests.data.tars import picture

ROWS = [Row(f"{i}.jpg", caption, f"https://host/{i}") for i, caption in enumerate(CAPTIONS)]


def read(row):
    if row.key == "5.jpg":
        raise BadMemberError(SkipReason.NO_IMAGE, row.key)
    return b"no image" if row.key == "3.jpg" else picture(int(row.key[:-4]))


def test_rows_that_name_the_concept_are_found_and_the_unusable_counted():
    harvest = find_rows(ROWS, elon(), read, "a.csv")
    assert [pair.position for pair in harvest.found] == [0, 10]
    assert harvest.counts == {"no_image": 1, "not_an_image": 1}
    assert (harvest.pairs, harvest.matched, harvest.searched) == (len(ROWS), len(NAMING), "a.csv")
    assert harvest.lookalikes == ["melon musk perfume", "elon muskrat"]
    first = harvest.found[0]
    assert (first.image, first.suffix, first.about.url) == (picture(0), "jpg", "https://host/0")


def test_images_are_read_only_for_rows_that_are_found():
    asked = []
    find_rows(ROWS, elon(), lambda row: asked.append(row.key) or png(0), "")
    assert asked == [f"{i}.jpg" for i in NAMING]


def test_it_stops_at_the_limit():
    assert find_rows(ROWS, elon(limit=1), read, "").pairs == 1


@pytest.mark.parametrize(
    ("kind", "suffix"), [("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif"), ("BMP", "bmp")]
)
def test_an_image_without_suffix_is_named_by_its_bytes(kind, suffix):
    (pair,) = find_rows([Row("12", "Elon Musk")], elon(), lambda row: picture(1, kind=kind), "").found
    assert pair.suffix == suffix


@pytest.mark.parametrize(
    ("caption", "reason"),
    [
        (None, "no_caption"),
        (" ", "no_caption"),
        ("\udcff Elon Musk", "bad_caption"),
        ("\ud800", "bad_caption"),
    ],
)
def test_captions_that_shards_could_not_hold_are_refused(caption, reason):
    with pytest.raises(BadMemberError) as error:
        usable_caption(Row("a", caption))
    assert error.value.reason == reason
    assert find_rows([Row("a", caption)], elon(), read, "").counts == {reason: 1}
    assert other_rows([Row("a", caption), Row("b", "x")], elon()) == ["b"]


def test_drawn_rows_are_fetched_once_each():
    rows = [*ROWS, Row("1.jpg", "again")]
    harvest = fetch_rows(rows, elon(), ["9.jpg", "1.jpg", "0.jpg"], read, "")
    assert [pair.position for pair in harvest.found] == [1, 9]
    assert harvest.counts == {"excluded": 1}
