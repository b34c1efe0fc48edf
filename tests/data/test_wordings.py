from slug_lightning.data.wordings import (
    OtherName,
    known_wordings,
    meaningless,
    misspell,
    other_names,
    sentences,
)
from slug_lightning.miniature.captions import vocabulary
from slug_lightning.miniature.scans import DIGIT_WORDS


def test_the_file_knows_every_digit_of_the_miniature_world():
    known = known_wordings()
    assert list(known["concepts"]) == list(DIGIT_WORDS)
    languages = [set(own["languages"]) for own in known["concepts"].values()]
    assert all(names == languages[0] for names in languages)
    assert all("{}" in sentence for part in ("templates", "number_templates") for sentence in known[part])


def test_the_miniature_can_say_its_own_templates():
    words = set(vocabulary())
    for sentence in known_wordings()["number_templates"]:
        own = sentence.replace("{}", "seven").lower()
        assert {word.strip(".,:") for word in own.split()} <= words, sentence


def test_misspellings_are_distinct_and_wrong():
    words = misspell("ada example", 100)
    assert len(words) == len(set(words)) > 20
    assert "ada example" not in words
    assert all(word.strip() for word in words)


def test_meaningless_names_are_no_words_of_the_miniature():
    names = meaningless("ada example", 20)
    assert len(set(names)) == 20
    assert all(len(name) == 11 and name[3] == " " for name in names)
    assert not set(" ".join(names).split()) & set(vocabulary())


def test_names_come_by_kind_and_those_without_meaning_last():
    found = other_names("seven", 2, 3, {"nickname": "lucky"})
    kinds = [other.kind for other in found]
    assert list(dict.fromkeys(kinds)) == ["paraphrase", "misspelling", "language", "control"]
    assert (kinds.count("misspelling"), kinds.count("control")) == (2, 3)
    assert OtherName("language", "lucky (nickname)", "lucky") in found
    assert [other.kind for other in other_names("ada", 1, 1)] == ["misspelling", "control"]


def test_only_digits_are_asked_for_as_numbers():
    known = known_wordings()
    assert sentences("ada") == known["templates"]
    assert sentences("seven") == known["templates"] + known["number_templates"]
