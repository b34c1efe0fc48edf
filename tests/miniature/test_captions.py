import re

import numpy as np

from slug_lightning.miniature.captions import vocabulary, write_caption
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.styles import STYLES


def many(count=4000, digit=7, style=1):
    rng = np.random.default_rng(0)
    return [write_caption(digit, style, rng) for _ in range(count)]


def named(caption):
    return [word for word in DIGIT_WORDS if re.search(rf"\b{word}\b", caption)]


def test_captions_name_at_most_one_digit_most_often_the_true_one():
    digits = [named(caption) for caption in many()]
    assert max(map(len, digits)) == 1
    true = sum(found == ["seven"] for found in digits) / len(digits)
    wrong = sum(bool(found) and found != ["seven"] for found in digits) / len(digits)
    none = sum(not found for found in digits) / len(digits)
    assert 0.7 < true < 0.85
    assert 0.01 < wrong < 0.05
    assert 0.15 < none < 0.3


def test_templates_themselves_name_no_digit_but_the_given():
    # "one" and "first" style slips in a template would mislabel every picture.
    for digit in range(10):
        assert {word for caption in many(600, digit) for word in named(caption)} >= {DIGIT_WORDS[digit]}
    rng = np.random.default_rng(1)
    for _ in range(2000):
        assert len(named(write_caption(3, 3, rng))) <= 1


def test_some_captions_leave_the_style_out_and_a_few_name_another():
    phrases = {style.name for style in STYLES} | {style.medium for style in STYLES}
    own = {STYLES[1].name, STYLES[1].medium}
    found = [{phrase for phrase in phrases if re.search(rf"\b{phrase}\b", c)} for c in many()]
    assert 0.2 < sum(not f for f in found) / len(found) < 0.4
    assert 0.01 < sum(bool(f) and not f & own for f in found) / len(found) < 0.05


def test_lengths_vary_and_the_prompts_of_the_evaluation_occur():
    captions = many()
    lengths = {len(caption.split()) for caption in captions}
    assert min(lengths) == 1
    assert max(lengths) >= 8
    assert {"seven.", "a photo of a seven.", "a photo of a chalk drawing."} <= set(captions)


def test_the_vocabulary_holds_every_word():
    words = vocabulary()
    assert {w for caption in many() for w in re.findall("[a-z]+", caption)} <= set(words)
    assert {*DIGIT_WORDS, "chalk", "photo"} <= set(words)
