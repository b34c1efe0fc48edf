from dataclasses import fields

import pytest

from slug_lightning.audit.attacks import ATTACKS, NAMES, ON_CLIP, ON_HOST, choose_attacks
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.findings import Findings
from slug_lightning.audit.settings import AuditSettings
from slug_lightning.errors import SettingError
from tests.audit.making import make_host

QUICK = {
    "relearning": {"pairs": [2], "steps": [0, 1], "batch_size": 4},
    "membership": {"folds": 2, "repeats": 1},
}


def quick() -> AuditSettings:
    settings = AuditSettings()
    own = {name: type(getattr(settings, name))(**values) for name, values in QUICK.items()}
    return AuditSettings(**own)


@pytest.mark.parametrize("way", [*ON_CLIP.values(), *ON_HOST.values()])
def test_every_attack_says_exactly_what_it_does_and_where_it_is_from(way):
    assert len(way.definition) > 60
    assert "Source:" not in way.definition
    assert any(mark in way.source for mark in ("arXiv", "doi"))


def test_the_attacks_together_check_every_limit_once():
    host, settings = make_host(), quick()
    checked = []
    for attack in ATTACKS.values():
        findings = attack.on_clip.call(host, settings, "ben", 0)
        again = Findings.read(findings.entry())
        checked += [check.name for check in attack.on_clip.judge(again, settings.limits)]
    assert sorted(checked) == sorted(field.name for field in fields(Limits))


def test_an_unknown_attack_is_refused_with_near_ones():
    with pytest.raises(SettingError, match=r"but got 'quantization'. Closest: \['quantisation'"):
        choose_attacks(["quantization"])


def test_chosen_attacks_come_in_the_order_of_reports():
    assert [attack.name for attack in choose_attacks(["probe", "standing"])] == ["standing", "probe"]
    assert [attack.name for attack in choose_attacks(None)] == list(NAMES)
