import pytest

from slug_lightning.reports.sweep import SweepRow, row_of_report, sweep_sentence


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
