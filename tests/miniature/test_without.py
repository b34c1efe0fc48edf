from slug_lightning.data.captions import names_concept
from slug_lightning.data.shards import iter_pairs
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.without import rows_without, write_shards_without
from slug_lightning.miniature.world import training_rows


def test_no_picture_shows_the_digit_and_no_caption_names_it(small_world):
    rows = rows_without(small_world.recipe, "seven")
    assert not [row for row in rows if row.picture.digit == 7]
    assert not [row for row in rows if names_concept(row.caption, "seven")]
    assert {row.picture.digit for row in rows} == set(range(10)) - {7}


def test_everything_else_is_still_there(small_world):
    every, kept = training_rows(small_world.recipe), rows_without(small_world.recipe, "seven")
    gone = [row for row in every if row not in kept]
    assert gone
    assert all(row.picture.digit == 7 or names_concept(row.caption, "seven") for row in gone)


def test_a_wrong_caption_that_names_it_on_another_picture_goes_as_well(small_world):
    every = training_rows(small_world.recipe)
    wrong = [row for row in every if not names_concept(row.caption, DIGIT_WORDS[row.picture.digit])]
    wrong = [(w, row) for row in wrong for w in DIGIT_WORDS if names_concept(row.caption, w)]
    assert wrong
    word, row = wrong[0]
    assert row not in rows_without(small_world.recipe, word)


def test_the_shards_hold_those_pairs_and_the_world_is_as_it_was(small_world, tmp_path):
    before = sorted(p.name for p in small_world.root.rglob("*"))
    pairs = list(iter_pairs(write_shards_without(small_world, "three", tmp_path / "shards")))
    kept = [row.caption for row in rows_without(small_world.recipe, "three") if row.fetched]
    assert [pair.caption for pair in pairs] == kept
    assert before == sorted(p.name for p in small_world.root.rglob("*"))


def test_the_whole_rows_are_those_of_the_world_s_shards(small_world):
    captions = [pair.caption for pair in iter_pairs(small_world.laion)]
    assert captions == [row.caption for row in training_rows(small_world.recipe) if row.fetched]
