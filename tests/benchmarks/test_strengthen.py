from benchmarks.strengthen import COLUMNS, LOOP, figures, table
from tests.reports.audit_document import attack, share


def made():
    conditions = [*(f"template: {sentence}" for sentence in LOOP), "template: my {}", "misspelling: svn"]
    curve = [share("forget/top1", "after", "4 forget pairs", x // 2, x=x) for x in (0, 5, 10, 20, 50)]
    low = {
        "metric": "drift/quantile",
        "version": "after",
        "condition": "5%",
        "value": -0.1,
        "n": 9,
        "x": 0.05,
    }
    attacks = {
        "standing": attack([share("forget/top1", "before", "-", 50), share("forget/top1", "after", "-", 0)]),
        "quantisation": attack([share("forget/top1", "after", "int4", 4)]),
        "wordings": attack([share("forget/top1", "after", c, i) for i, c in enumerate(conditions)]),
        "arithmetic": attack([share("forget/top1", "after", c, i) for i, c in enumerate("ab")]),
        "relearning": attack(curve),
        "drift": attack([low]),
    }
    metrics = {
        name: {"before": {"value": 1.0}, "after": {"value": 0.98}}
        for name in ("retain/identities_top1", "retain/imagenet_top1")
    }
    report = {
        "layer": "text_projection",
        "step": 2.0,
        "metrics": metrics,
    }
    return {**figures(report, {"hosts": {"clip": {"attacks": attacks}}}), "cpu_seconds": 9.0}


def test_a_row_tells_sentences_of_the_loop_from_others():
    row = made()
    assert (row["in_loop"], row["unseen"]) == (6.0, 8.0)  # of 50: the fourth of the loop, and one more
    assert (row["forget"], row["int4"], row["arithmetic"]) == (0.0, 8.0, 2.0)
    assert (row["relearned"], row["relearned_late"]) == (20.0, 50.0)


def test_the_table_has_a_column_for_each_figure():
    text = table({"plain": {"feasible": True, **made(), "cpu_seconds": 30.0}, "bad": {"feasible": False}})
    head, _, row, bad = text.splitlines()
    assert head.count("|") == row.count("|") == bad.count("|") == len(COLUMNS) + 3
    assert "-2.0" in row
    assert "no feasible point" in bad
