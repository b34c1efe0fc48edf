import pytest

from slug_lightning.reports.limits import limits


@pytest.mark.parametrize("feasible", [True, False])
def test_every_report_says_that_it_is_no_proof(feasible):
    first = limits({"feasible": feasible}, audited=False)[0]
    assert first.startswith("This is not a proof that the concept")


def test_a_patch_leaves_the_original_weights_as_they_are():
    text = " ".join(limits({"feasible": True}, audited=False))
    assert "Whoever has the original weights" in text
    assert "No attack was tried" in text


def test_after_an_audit_it_says_that_other_attacks_were_not_tried():
    text = " ".join(limits({"feasible": True}, audited=True))
    assert "No attack was tried" not in text
    assert "and no others" in text


@pytest.mark.parametrize(("overlap", "favourable"), [("refuse", False), ("allow", True), (None, True)])
def test_images_of_the_search_are_named_only_where_they_may_be_those_of_the_figures(overlap, favourable):
    report = {"feasible": True, "evaluation": overlap and {"overlap": overlap}}
    assert ("slightly favourable" in " ".join(limits(report, audited=False))) is favourable
