import pytest

from slug_lightning.data.captions import concept_folder, concept_pattern, fold, names_concept
from slug_lightning.errors import SettingError


@pytest.mark.parametrize(
    "caption",
    [
        "Elon Musk",
        "photo of ELON MUSK, 2019",
        "elon   musk",
        "Elon\nMusk",
        "elon_musk_1.jpg",
        "elon-musk",
        "Elon Musk's car",
        "“Élon Müsk”",
        "\uff25\uff4c\uff4f\uff4e Musk",  # full-width letters
    ],
)
def test_captions_that_name_the_concept(caption):
    assert names_concept(caption, "Elon Musk")


@pytest.mark.parametrize(
    "caption", ["Elon", "Musk, Elon", "melon musk", "elon muskrat", "elonmusk", "", "elon 4musk"]
)
def test_captions_that_do_not(caption):
    assert not names_concept(caption, "Elon Musk")


def test_any_spelling_counts_and_regex_characters_are_plain():
    assert names_concept("a C++ book", ["rust", "C++"])
    assert not names_concept("a C book", "C++")
    assert names_concept("dr. seven", ["seven", "7"])
    assert names_concept("jean-luc picard", "Jean Luc Picard")
    assert names_concept("jean luc picard", "Jean-Luc Picard")


def test_patterns_work_on_folded_text():
    assert concept_pattern("Strauß").search(fold("johann STRAUSS"))


@pytest.mark.parametrize("names", ["", " ", [], ["seven", ""], "\u0301"])
def test_names_without_letters_are_refused(names):
    with pytest.raises(SettingError, match="names of the concept"):
        names_concept("anything", names)


@pytest.mark.parametrize(
    "concept", ["../../etc", "a/b", "Ada Example", "Zoë", "...", "7", "a{b}[c]*", "Rey: II"]
)
def test_folder_names_stay_inside_their_folder_and_are_no_patterns(concept):
    name = concept_folder(concept)
    assert name not in ("", ".", "..")
    assert not set(name) & set("/{}[]*?:.")


@pytest.mark.parametrize(
    "caption",
    [
        "Elon\u2010Musk",  # hyphen
        "Elon\u2011Musk",  # one that does not break
        "Elon \u2013 Musk",  # en dash
        "El\u00adon Mu\u00adsk",  # soft hyphens
        "E\u200blon \u2060Musk",  # zero-width space, word joiner
    ],
)
def test_dashes_are_one_and_what_is_invisible_does_not_count(caption):
    assert names_concept(caption, "Elon Musk")


def test_a_vowel_sign_continues_a_word():
    assert names_concept("जय श्री राम", "राम")
    assert not names_concept("रामायण", "राम")


def test_ascii_is_only_put_in_lower_case_and_trimmed():
    every = "".join(map(chr, range(128)))
    assert fold(every) == " ".join(every.lower().split())


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("SpaceX rocket", True),
        ("spacex's Rockets", True),
        ("spacex rocketry", False),
        ("Élon", True),
        ("melon", False),
    ],
)
def test_a_regex_finds_whole_words_in_folded_captions(caption, found):
    assert names_concept(caption, "nobody", r"space[xX]('s)? rockets?|elon") is found


def test_a_regex_may_refer_to_its_own_groups():
    assert names_concept("a bye bye card", "nobody", r"(bye) \1")
    assert not names_concept("a bye good card", "nobody", r"(bye) \1")


@pytest.mark.parametrize(
    ("regex", "match"),
    [
        ("Beyoncé", "without accents but got 'Beyoncé'.*write 'Beyonce'"),
        ("stra(ß|ss)e", "write"),
        ("elon(", "Expected a regular expression but got"),
        ("a)|(b", "Expected a regular expression but got"),
        ("(?i)elon", "Expected a regular expression but got"),
        ("x*", "which every caption matches"),
    ],
)
def test_a_regex_that_cannot_be_meant_is_refused(regex, match):
    with pytest.raises(SettingError, match=match):
        concept_pattern("seven", regex)
