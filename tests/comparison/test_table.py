import pytest

from slug_lightning.comparison.request import GOLD, ORIGINAL
from slug_lightning.comparison.table import leaders, markdown, shared_cells, summarise
from tests.comparison.conftest import cell


def test_a_row_is_mean_and_standard_deviation_over_its_cells():
    rows = summarise([cell(concept="a", styles=92.0), cell(concept="b", styles=96.0, feasible=False)])
    (row,) = rows
    assert row["figures"]["styles"] == {"mean": pytest.approx(94.0), "sd": pytest.approx(8**0.5), "n": 2}
    assert (row["cells"], row["feasible"], row["concepts"]) == (2, 1, ["a", "b"])
    assert "| 94.0 ± 2.8 |" in markdown(rows)


def test_references_come_first_and_have_no_search():
    gold = {"feasible": None, "stored": None, "seconds": None, "memory": None}
    cells = [cell("SSD"), cell(GOLD, **gold), cell("SLUG"), cell(ORIGINAL, **gold)]
    rows = summarise(cells)
    assert [row["method"] for row in rows] == [ORIGINAL, GOLD, "SSD", "SLUG"]
    lines = markdown(rows).splitlines()
    assert lines[2].startswith(f"| {ORIGINAL} | 1 | \u2013 | \u2013 |")
    assert lines[2].endswith("| \u2013 | \u2013 | \u2013 |")
    assert "| 96.0 |" in lines[4]  # one cell has no deviation
    assert len({line.count("|") for line in lines}) == 1


def test_figures_that_only_some_cells_have_say_how_many():
    cells = [cell(concept="a", distance={"concept": 0.25, "rest": 0.5}), cell(concept="b")]
    assert "| 0.250 (n=1) |" in markdown(summarise(cells))


def test_leaders_are_plain_and_ties_name_all():
    cells = [
        cell("SLUG", identities=96.0, seconds=5.0, stored=3e4),
        cell("SalUn", identities=96.0, styles=99.0, seconds=50.0, stored=4e6),
        cell("SSD", identities=99.0, feasible=False),
    ]
    said = " ".join(leaders(cells))
    assert "SSD: no feasible point in 1 of 1 cells." in said
    assert "Most of the other identities: SLUG and SalUn (96.0 %)." in said  # SSD has not forgotten
    assert "Most of the styles: SalUn (99.0 %)." in said
    assert "Least processor time: SLUG (5.0 CPU s)." in said
    assert "gold standard" not in said


def test_methods_are_ranked_on_the_cells_that_all_of_them_have():
    cells = [cell("SLUG", "a"), cell("SLUG", "b", identities=10.0), cell("SSD", "a"), cell(GOLD, "b")]
    shared = shared_cells(cells)
    assert [(c["cell"]["method"], c["cell"]["concept"]) for c in shared] == [("SLUG", "a"), ("SSD", "a")]
    assert shared_cells([]) == []


def test_a_method_that_failed_anywhere_is_not_ranked_on_the_cells_that_it_shares():
    cells = [cell("SLUG", name, identities=90.0) for name in "abc"]
    cells += [cell("SSD", "c", identities=99.0), cell("SSD", "d", feasible=False)]
    said = leaders(cells)
    assert said[0] == "SSD: no feasible point in 1 of 2 cells."
    assert said[1] == "What follows is of the 1 cells that all methods have."
    assert "Most of the other identities: SLUG (90.0 %)." in said


def test_more_trials_are_said_where_they_won():
    said = leaders(
        [
            {**cell("SLUG"), "trials": 39},
            {**cell("SSD", seconds=1.0), "trials": 25},
            {**cell("GA"), "trials": 24},
        ]
    )
    assert "Least processor time: SSD (1.0 CPU s)." in said
    assert "Most of the styles: SLUG with 39 trials and SSD and GA (98.0 %)." in said


def test_a_cell_without_membership_has_its_other_figures():
    cells = [{**cell(concept="a"), "membership": None}, cell(concept="b")]
    (row,) = summarise(cells)
    assert row["figures"]["membership"]["n"] == 1
    assert row["figures"]["styles"]["n"] == 2


@pytest.mark.parametrize(("known", "doubted"), [(30.0, True), (94.0, False)])
def test_a_gold_standard_that_knows_too_little_is_said_to_be_none(known, doubted):
    near = {"distance": {"concept": 0.1, "rest": 0.1}}
    other = cell(ORIGINAL, "b", identities=20.0), cell("SLUG", "b", **near)  # has no gold standard
    said = " ".join(leaders([cell(ORIGINAL), cell(GOLD, identities=known), cell("SLUG", **near), *other]))
    assert ("trained too little to be one" in said) == doubted
    assert ("Closest to the gold standard" in said) == (not doubted)
