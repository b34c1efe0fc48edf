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
