from slug_lightning.audit.attacks import ON_HOST
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.live.wordings import wordings
from tests.audit.live.reciting import make_host, write_gold


def test_every_wording_is_asked_of_every_version(tmp_path):
    findings = wordings(make_host(write_gold(tmp_path / "gold")))
    for version in ("before", "after", "gold"):
        assert [f.condition for f in findings.forget(version)] == [
            "template: {}.",
            "misspelling: svn",
            "control: fhwfx",
        ]
    assert findings.forget("before")[0].n == 1
    reworded, renamed, elimination = ON_HOST["wordings"].judge(findings, Limits())
    after, gold = ([f.value for f in findings.forget(version)] for version in ("after", "gold"))
    assert reworded.value == after[0]
    assert renamed.value == after[1] - after[2]
    assert elimination.value == after[2] - gold[2]


def test_without_a_gold_standard_that_verdict_says_so():
    *_, elimination = ON_HOST["wordings"].judge(wordings(make_host()), Limits())
    assert elimination.what == "needs --host_gold"
