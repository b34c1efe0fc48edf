from slug_lightning.audit.attacks import ON_HOST
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.live.standing import standing
from tests.audit.live.reciting import make_host, write_gold


def test_figures_of_all_three_and_the_verdicts(tmp_path):
    findings = standing(make_host(write_gold(tmp_path / "gold")))
    assert [f.version for f in findings.pick("forget/host")] == ["before", "after", "gold"]
    assert findings.forget("before")[0].value == 1
    forget, drop, gold = ON_HOST["standing"].judge(findings, Limits())
    assert forget.value == findings.forget("after")[0].value == 0
    kept = {
        version: findings.pick("retain/host_digit", version)[0].value
        for version in ("before", "after", "gold")
    }
    assert drop.value == kept["before"] - kept["after"]
    assert gold.value == kept["before"] - kept["gold"]
