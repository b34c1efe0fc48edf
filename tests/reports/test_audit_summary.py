from slug_lightning.reports.audit_summary import audit_summary
from tests.reports.audit_document import HOST, make_audit


def test_every_check_is_a_line_with_value_limit_and_verdict():
    head, *lines = audit_summary(make_audit()).splitlines()
    assert "at most" in head
    assert [line.split()[0] for line in lines] == ["forget", "relearned_gap", "reworded_forget"]
    assert " met " in lines[0]
    assert "0.020" in lines[0]
    assert "no value" in lines[1]
    assert "not met" in lines[2]


def test_checks_of_other_hosts_say_which():
    head, *lines = audit_summary(make_audit(host=True)).splitlines()
    assert [line.split()[0] for line in lines[3:]] == [
        f"{HOST}/{name}" for name in ("forget", "relearned_gap", "reworded_forget")
    ]
    assert {line.index(mark) for line, mark in zip(lines[::3], ("0.020",) * 2, strict=True)} == {
        head.index("value")
    }
