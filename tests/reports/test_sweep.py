import csv
import json

import pytest

from slug_lightning.reports.sweep import SweepRow, render_sweep, row_of_report, sweep_sentence, write_sweep


def done(number, drop=0.01):
    return SweepRow(
        f"person-{number}", f"Person {number}", "done", run=f"runs/Person_{number}/1",
        layer="text_projection", step=2.5, before=1.0, after=0.0, after_high=0.07, images=50,
        worst="classes, top-1", worst_before=0.9, worst_after=0.9 * (1 - drop), worst_drop=drop, seconds=4.0,
        cpu_seconds=3.0, gradient_seconds=1.0, search_seconds=2.0, patch_bytes=80_000,
        retain_shared=number > 0,
    )  # fmt: skip


FAILED = SweepRow("x", "<b>Eve</b> & Example", "failed", sentence="Expected <shards> but got none.")
NOTHING = SweepRow(
    "y", "Ben Example", "infeasible", sentence="No feasible point.", run="runs/y/1", before=1.0
)


@pytest.fixture
def report():
    def entry(before, after):
        ci = {"n": 50, "ci95": [0.0, 0.07]}
        return {
            "before": {"value": before, **ci},
            "after": after if after is None else {"value": after, **ci},
        }

    return {
        "concept": "seven", "feasible": True, "layer": "text_projection", "step": 2.5, "search": [],
        "criterion": {"metric": "forget/top1", "target": 0.0},
        "metrics": {
            "forget/top1": entry(1.0, 0.0), "retain/imagenet_top1": entry(0.8, 0.6),
            "retain/identities_top1": entry(0.9, 0.9),
        },
        "efficiency": {
            "gradient_seconds": 3.0, "search_seconds": 4.0, "patch_bytes": 123,
            "retain_gradients_from": "three/1",
        },
    }  # fmt: skip


def test_a_row_is_what_the_report_says(report):
    row = row_of_report("seven", "seven", "runs/seven/1", report)
    assert (row.status, row.layer, row.step, row.before, row.after, row.after_high) == (
        "done", "text_projection", 2.5, 1.0, 0.0, 0.07,
    )  # fmt: skip
    assert row.worst_drop == pytest.approx(0.25)
    assert (row.worst_before, row.worst_after) == (0.8, 0.6)
    assert (row.gradient_seconds, row.patch_bytes, row.retain_shared) == (3.0, 123, True)
    assert "largest drop 25.0" in row.outcome


def test_without_a_feasible_point_the_verdict_stands_there(report):
    report["feasible"] = False
    row = row_of_report("seven", "seven", "runs/seven/1", report)
    assert row.status == "infeasible"
    assert row.sentence.startswith("No feasible point")
    assert (row.layer, row.after) == (None, None)


def test_the_sentence_counts_all():
    rows = [done(1), NOTHING, FAILED]
    assert sweep_sentence(rows, 5) == (
        "1 of 5 requests has a patch; 1 have no feasible point; 1 failed; 2 to go."
    )


def test_three_files_have_every_request(tmp_path):
    rows = [*(done(number) for number in range(3)), NOTHING, FAILED]
    write_sweep(tmp_path, rows, 5, 60.0)
    document = json.loads((tmp_path / "sweep.json").read_text())
    assert document["counts"] == {"done": 3, "infeasible": 1, "failed": 1}
    assert [SweepRow(**row) for row in document["requests"]] == rows
    with (tmp_path / "sweep.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["id"] for row in table] == [row.id for row in rows]
    assert table[4]["sentence"] == FAILED.sentence


def test_the_page_leads_to_every_report_and_escapes_names():
    page = render_sweep([done(1), NOTHING, FAILED], 3, 12.0)
    assert 'href="runs/Person_1/1/report.html"' in page
    assert 'href="requests/x.log"' in page
    assert "<b>Eve" not in page
    assert "&lt;b&gt;Eve&lt;/b&gt; &amp; Example" in page
    assert "Expected &lt;shards&gt; but got none." in page
    assert "script" not in page.split("<body>")[1]
    assert "largest drops" not in page


def test_of_a_thousand_requests_the_failed_and_the_worst_stand_first():
    rows = [done(number, drop=number / 1e5) for number in range(1000)]
    page = render_sweep([*rows, FAILED], 1001, 12.0)
    assert page.index("Failed (1)") < page.index("The 10 largest drops") < page.index("All requests")
    assert page.count("<tr>") > 1000
    worst = page[page.index("The 10 largest drops") : page.index("All requests")]
    assert "person-999" in worst
    assert "person-989" not in worst
    assert page == render_sweep([*rows, FAILED], 1001, 12.0)
