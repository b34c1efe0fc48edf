import pytest

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.findings import Figure, Findings
from slug_lightning.audit.wordings import (
    WordingSettings,
    judge_wordings,
    known_wordings,
    list_wordings,
    meaningless,
    misspell,
    wordings,
)
from slug_lightning.errors import SettingError
from slug_lightning.miniature.captions import vocabulary
from slug_lightning.miniature.scans import DIGIT_WORDS
from tests.audit.making import make_host


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


def test_a_concept_of_ones_own_has_templates_misspellings_and_the_given_names():
    settings = WordingSettings(names={"nickname": "benny"}, misspellings=2)
    kinds = [wording.kind for wording in list_wordings("ben", settings)]
    assert kinds.count("template") == len(known_wordings()["templates"])
    assert kinds.count("misspelling") == 2
    assert "paraphrase" not in kinds
    assert kinds[-7:] == ["language", *["control"] * 5, "all"]


def test_every_wording_is_asked_of_every_version():
    settings = WordingSettings(templates=["{}.", "a {}"], misspellings=1, controls=1)
    findings = wordings(make_host(), settings, "ben")
    conditions = [f.condition for f in findings.pick("forget/top1", "after")]
    assert [condition.split(":")[0] for condition in conditions] == [
        "template",
        "template",
        "misspelling",
        "control",
        "all",
    ]
    assert [f.condition for f in findings.pick("forget/top1", "gold")] == conditions


def share(kind, hits, version="after"):
    return Figure.share("forget/top1", version, f"{kind}: x", hits, 50)


def test_a_meaningless_name_must_not_find_more_than_in_a_model_that_never_saw_it():
    figures = [share("template", 0), share("control", 46), share("control", 44), share("control", 1, "gold")]
    *_, elimination = judge_wordings(Findings(figures), Limits())
    assert elimination.value == pytest.approx(0.88)
    assert elimination.met is False


def test_a_name_is_held_against_meaningless_ones_and_a_sentence_against_nothing():
    figures = [share("template", 3), share("language", 45), share("control", 44), share("control", 46)]
    reworded, renamed, elimination = judge_wordings(Findings(figures), Limits())
    assert (reworded.name, reworded.value, reworded.met) == ("reworded_forget", 0.06, True)
    assert (renamed.name, renamed.value, renamed.met) == ("renamed_gap", 0.0, True)
    assert (elimination.met, elimination.what) == (None, "needs --gold")
    _, renamed, _ = judge_wordings(Findings([*figures, share("misspelling", 50)]), Limits(renamed_gap=0.05))
    assert renamed.value == pytest.approx(0.1)
    assert renamed.met is False
    assert "misspelling" in renamed.what


def test_meaningless_names_are_no_words_of_the_miniature():
    names = meaningless("ada example", 20)
    assert len(set(names)) == 20
    assert all(len(name) == 11 and name[3] == " " for name in names)
    assert not set(" ".join(names).split()) & set(vocabulary())


def test_a_sentence_without_a_place_for_the_name_is_refused():
    with pytest.raises(SettingError, match=r"Expected '{}' in each of wordings.templates, but got 'a photo'"):
        WordingSettings(templates=["a photo"])
