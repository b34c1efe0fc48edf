import pytest

from slug_lightning.reports.audit_file import summarise_forget
from slug_lightning.reports.figures.attacks import attacks_figure
from tests.reports.audit_document import make_audit

ROWS = summarise_forget(make_audit()["hosts"]["clip"]["attacks"])


def test_every_row_has_a_mark_for_each_version_at_its_value():
    axes = attacks_figure(ROWS).axes[0]
    marks = [line for line in axes.lines if line.get_marker() != "None"]
    expected = [100 * entry["value"] for _, row in ROWS for entry in row.by_version.values()]
    assert sorted(float(line.get_xdata()[0]) for line in marks) == sorted(expected)
    assert [label.get_text() for label in axes.get_yticklabels()] == [label for label, _ in ROWS]


def test_intervals_are_drawn_between_their_ends():
    axes = attacks_figure(ROWS[:1]).axes[0]
    spans = [x for line in axes.lines if line.get_marker() == "None" for x in line.get_xdata()]
    bounds = [bound for entry in ROWS[0][1].by_version.values() for bound in entry["ci95"]]
    assert spans == pytest.approx([100 * bound for bound in bounds])


def test_the_first_row_is_on_top():
    low, high = attacks_figure(ROWS).axes[0].get_ylim()
    assert low > high
