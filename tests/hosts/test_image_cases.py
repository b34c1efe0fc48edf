import pytest

from slug_lightning.errors import ConceptNotFoundError, SettingError
from slug_lightning.hosts.image_cases import PromptTable

NAMES = {"style": ["ink", "chalk"], "digit": ["one", "two", "three"]}


@pytest.fixture
def table():
    return PromptTable("a {style} drawing of a {digit}", NAMES)


@pytest.mark.parametrize(("concept", "own", "other"), [("two", "digit", 2), ("chalk", "style", 3)])
def test_every_prompt_has_its_turn_before_one_comes_again(table, concept, own, other):
    mine = table.cases(concept, True, 2 * other, "search", 0)
    assert table.field_of(concept) == own
    assert {case.shown[own] for case in mine} == {concept}
    assert len({case.prompt for case in mine[:other]}) == other
    assert [case.prompt for case in mine[:other]] == [case.prompt for case in mine[other:]]
    rest = table.cases(concept, False, 6 - other, "search", 0)
    assert concept not in {case.shown[own] for case in rest}
    assert len({case.prompt for case in rest}) == 6 - other
    assert rest[0].prompt == "a {style} drawing of a {digit}".format(**rest[0].shown)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_sentence_meets_every_prompt_within_as_many_rounds_as_there_are(table, count):
    wordings = [f"{{}}, way {number}" for number in range(count)]
    usual = table.cases("chalk", True, 3 * (count + 1), "search", 0)
    asked = table.cases("chalk", True, 3 * (count + 1), "search", 0, wordings)
    assert [(case.shown, case.seed) for case in asked] == [(case.shown, case.seed) for case in usual]
    met = {(case.shown["digit"], case.prompt) for case in asked}
    assert len(met) == 3 * (count + 1)
    ways = {f"chalk, way {number}" for number in range(count)}
    assert {prompt for _, prompt in met} - {case.prompt for case in usual} == ways


def test_cases_are_the_same_in_every_call_and_share_no_seed_with_others(table):
    kinds = [
        (kind, split, seed) for kind in (True, False) for split in ("search", "final") for seed in (0, 1, 7)
    ]
    lists = [table.cases("two", kind, 50, split, seed) for kind, split, seed in kinds]
    again = [table.cases("two", kind, 50, split, seed) for kind, split, seed in kinds]
    assert lists == again
    seeds = [case.seed for cases in lists for case in cases]
    assert len(set(seeds)) == len(seeds)


def test_more_images_keep_the_first_ones(table):
    assert table.cases("two", False, 90, "final", 3)[:20] == table.cases("two", False, 20, "final", 3)


def test_one_name_alone_leaves_nothing_else():
    assert PromptTable("a photo of {name}", {"name": ["Ada"]}).cases("Ada", False, 5, "final", 0) == []


def test_a_concept_must_be_in_one_field(table):
    with pytest.raises(ConceptNotFoundError, match=r"'chal' is in none. Closest names: \['chalk'\]"):
        table.field_of("chal")
    with pytest.raises(ConceptNotFoundError, match="in one field.*'orange' is in"):
        PromptTable("{a} {b}", {"a": ["orange"], "b": ["orange"]}).field_of("orange")


@pytest.mark.parametrize(
    ("template", "names", "said"),
    [
        (
            "a {style} of a {digit}",
            {"style": ["ink"]},
            r"\['digit', 'style'\], but got names for \['style'\]",
        ),
        ("a drawing", {}, r"fields in braces"),
        ("a {style}", {"style": ["ink", "ink"]}, "different names for the field 'style'"),
        ("a {style}", {"style": []}, "different names for the field 'style'"),
    ],
)
def test_a_template_that_does_not_fit_its_names_is_refused(template, names, said):
    with pytest.raises(SettingError, match=said):
        PromptTable(template, names)
