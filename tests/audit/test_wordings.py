import pytest

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.findings import Figure, Findings
from slug_lightning.audit.wordings import WordingSettings, judge_wordings, list_wordings, wordings
from slug_lightning.data.wordings import known_wordings
from slug_lightning.errors import SettingError
from tests.audit.making import make_host


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


def test_a_sentence_without_a_place_for_the_name_is_refused():
    with pytest.raises(SettingError, match=r"Expected '{}' in each of wordings.templates, but got 'a photo'"):
        WordingSettings(templates=["a photo"])
