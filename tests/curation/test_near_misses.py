import time

import pytest

from slug_lightning.curation.near_misses import near_misses
from slug_lightning.errors import SettingError

CAPTIONS = ["Élon Musk, 2019", "melon musk", "a lake (Elon Musk)", "ELON MUSK!", "Bart", ""]


def test_the_closest_phrase_of_as_many_words_comes_first():
    assert near_misses(CAPTIONS, "Elon Mask")[0] == "elon musk"
    assert near_misses(CAPTIONS, ["nobody at all", "Bert"]) == ["bart"]


def test_what_is_not_alike_is_not_said():
    assert near_misses(CAPTIONS, "Ada Example") == []
    assert near_misses([], "Ada Example") == []


def test_names_are_checked():
    with pytest.raises(SettingError, match="names of the concept"):
        near_misses(CAPTIONS, "")


def test_many_captions_take_seconds_not_minutes():
    captions = [f"{a} {b} word{a * b}" for a in range(200) for b in range(50)]
    start = time.process_time()
    near_misses(captions, "Elon Musk")
    assert time.process_time() - start < 10
