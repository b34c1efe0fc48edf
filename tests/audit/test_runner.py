import json
from dataclasses import replace

import pytest

from slug_lightning.audit.attacks import ON_HOST, choose_attacks
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.drift import DriftSettings
from slug_lightning.audit.membership import MembershipSettings
from slug_lightning.audit.runner import AuditPlan, audit
from slug_lightning.audit.settings import AuditSettings
from slug_lightning.errors import BadDataError
from slug_lightning.reports.audit_file import read_audit
from tests.audit.live.reciting import make_host as live_host
from tests.audit.making import LAYER, make_host

ABOUT = {
    "base_model": "tiny",
    "base_fingerprint": "0",
    "layer": LAYER,
    "tower": "text",
    "step": 1.0,
    "patch_sha256": "0" * 64,
    "gold": None,
    "created": "now",
    "command": "slug audit",
    "environment": {},
}
QUICK = AuditSettings(drift=DriftSettings(bins=5, resamples=50))
BOTH = choose_attacks(["standing", "drift"])


@pytest.fixture
def plan(tmp_path):
    return AuditPlan(tmp_path, "ben", ABOUT, QUICK, 0, {"digest": "d"})


def told(plan, attacks=BOTH, fresh=False):
    lines = []
    document = audit(plan, [make_host()], attacks, fresh, lines.append)
    return lines, document


def test_every_attack_is_a_file_and_the_whole_is_valid(plan):
    lines, document = told(plan)
    assert lines == ["clip: standing", "clip: drift"]
    assert sorted(path.name for path in (plan.folder / "audit").iterdir()) == [
        "clip.drift.json",
        "clip.standing.json",
    ]
    assert read_audit(plan.folder / "audit.json") == json.loads(json.dumps(document))


def test_what_is_done_is_not_done_again_unless_asked(plan):
    first = told(plan)[1]
    lines, again = told(plan)
    assert lines == []
    assert again["hosts"] == first["hosts"]
    assert told(plan, fresh=True)[0] == ["clip: standing", "clip: drift"]


def test_a_killed_audit_goes_on(plan):
    told(plan, choose_attacks(["standing"]))
    (plan.folder / "audit" / "clip.drift.json").write_text('{"key": "', encoding="utf-8")
    assert told(plan)[0] == ["clip: drift"]


def test_results_of_earlier_calls_stand_in_the_file(plan):
    told(plan, choose_attacks(["drift"]))
    _, document = told(plan, choose_attacks(["standing"]))
    assert list(document["hosts"]["clip"]["attacks"]) == ["standing", "drift"]


def test_other_limits_give_other_verdicts_without_another_run(plan):
    def met(document):
        return document["hosts"]["clip"]["attacks"]["drift"]["checks"][0]["met"]

    assert met(told(replace(plan, settings=replace(QUICK, limits=Limits(cosine_drop=2.0))))[1]) is True
    lines, document = told(replace(plan, settings=replace(QUICK, limits=Limits(cosine_drop=-2.0))))
    assert lines == []
    assert met(document) is False


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"about_data": {"digest": "other"}},
        {"about": {**ABOUT, "patch_sha256": "1" * 64}},
        {"about": {**ABOUT, "gold": {"folder": "g", "sha256": "2" * 64}}},
        {"settings": replace(QUICK, drift=DriftSettings(bins=6, resamples=50))},
    ],
)
def test_another_patch_seed_setting_or_data_is_run_again(plan, change):
    told(plan)
    assert "clip: drift" in told(replace(plan, **change))[0]


def test_other_hosts_get_the_attacks_that_run_on_any(plan):
    host = make_host()
    host.name = "diffusion"
    document = audit(plan, [host], BOTH)
    assert list(document["hosts"]["diffusion"]["attacks"]) == ["standing"]


def test_a_host_gets_what_it_offers(plan):
    every, host = choose_attacks(None), live_host()

    def names():
        return [attack.name for attack in every if attack.way_on(host) is not None]

    assert names() == [*ON_HOST]
    host.abilities = ()
    assert names() == ["standing", "quantisation"]


def test_a_killed_audit_of_a_host_goes_on(plan, monkeypatch):
    chosen, lines = choose_attacks(["standing", "neighbours", "membership"]), []
    quick = replace(plan, settings=replace(QUICK, membership=MembershipSettings(2, 1)))
    host = live_host()
    monkeypatch.setattr(host.metric, "example_losses", lambda *asked: 1 / 0, raising=True)
    with pytest.raises(ZeroDivisionError):
        audit(quick, [host], chosen)
    monkeypatch.undo()
    document = audit(quick, [host], chosen, tell=lines.append)
    assert lines == [f"{host.name}: membership"]
    assert list(document["hosts"][host.name]["attacks"]) == ["standing", "neighbours", "membership"]
    definition = document["hosts"][host.name]["attacks"]["standing"]["definition"]
    assert "forget/host" in definition


def test_a_document_that_breaks_its_contract_is_not_written(plan):
    with pytest.raises(BadDataError, match=r"audit.json breaks its contract at \$.tower"):
        audit(replace(plan, about={**ABOUT, "tower": "both"}), [make_host()], BOTH)
    assert not (plan.folder / "audit.json").exists()
