from slug_lightning.reports.audit import audit_blocks
from slug_lightning.reports.document.blocks import Bullets, Facts, Heading, Table, Text


def test_objects_become_headings_with_facts_and_lists_become_tables():
    audit = {
        "format_version": 1,
        "seed": 0,
        "relearning": {
            "passed": False,
            "ci95": [0.0, 0.071],
            "points": [{"step": 1, "forget/top1": 0.25}, {"step": 10, "forget/top1": None}],
        },
        "notes": ["int4 was left out"],
    }
    assert audit_blocks(audit) == [
        Facts([("Seed", "0")]),
        Heading("Relearning", 2),
        Facts([("Passed", "no"), ("Ci95", "0, 0.0710")]),
        Heading("Points", 3),
        Table(["Step", "Forget/top1"], [["1", "0.250"], ["10", "\u2013"]], "rr", [0, 0], small=True),
        Heading("Notes", 2),
        Bullets(["int4 was left out"]),
    ]


def test_long_tables_are_cut_with_a_word():
    blocks = audit_blocks({"rows": [{"step": n} for n in range(50)]})
    assert len(blocks[1].rows) == 40
    assert blocks[2] == Text("10 more rows are in audit.json.", "note")


def test_deep_objects_do_not_outgrow_the_headings():
    levels = [
        b.level
        for b in audit_blocks({"a": {"b": {"c": {"d": {"e": [{"f": [[1]]}]}}}}})
        if isinstance(b, Heading)
    ]
    assert max(levels) <= 4
    assert audit_blocks({}) == []
