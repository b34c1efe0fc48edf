import pytest

from slug_lightning.audit.checks import Check, Limits, check_figure, difference, largest_gap
from slug_lightning.audit.findings import Figure


def share(hits, version="after"):
    return Figure.share("forget/top1", version, f"{hits} hits", hits, 50)


@pytest.mark.parametrize(("value", "met"), [(0.1, True), (0.1001, False), (None, None)])
def test_a_verdict_is_a_value_against_a_limit(value, met):
    check = Check("forget", "what", value, 0.1)
    assert check.met is met
    assert check.entry()["met"] is met


def test_a_figure_that_is_not_there_has_no_verdict():
    check = check_figure("forget", None, 0.1, "nothing was measured")
    assert (check.value, check.met, check.what) == (None, None, "nothing was measured")


def test_equal_shares_have_an_interval_around_zero():
    gap, bounds = difference(share(20), share(20, "gold"))
    assert gap == 0
    assert bounds is not None
    assert bounds[0] == pytest.approx(-bounds[1])


def test_newcombes_published_example():
    # Newcombe 1998, table II, case a: 56/70 against 48/80, method 10.
    more, less = Figure.share("m", "after", "-", 56, 70), Figure.share("m", "gold", "-", 48, 80)
    gap, bounds = difference(more, less)
    assert gap == pytest.approx(0.2)
    assert bounds == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_the_largest_gap_is_judged():
    pairs = [(share(10), share(9, "gold")), (share(30), share(5, "gold"))]
    check = largest_gap("relearned_gap", pairs, Limits().relearned_gap, "after minus gold", "no gold")
    assert check.value == pytest.approx(0.5)
    assert check.met is False
    assert "30 hits" in check.what
    assert largest_gap("relearned_gap", [], 0.2, "gap", "needs --gold").met is None
