import torch

from slug_lightning.audit.attacks import ON_HOST
from slug_lightning.audit.checks import Limits
from slug_lightning.audit.live.probe import probe
from slug_lightning.audit.probe import ProbeSettings
from slug_lightning.hosts.host_attacks import Probing
from tests.audit.live.reciting import Recites, make_host, write_gold


def blind(concept):
    """Features of length 2 that tell all names but the concept apart, which looks like another one."""
    labels = torch.arange(4).repeat(6)
    features = 2 * torch.eye(4)[labels]
    features[labels == 1] = features[labels == 0][0]
    return Probing(["a", concept, "c", "d"], features, labels, features.clone(), labels.clone())


def test_what_a_classifier_decodes_of_each_version(tmp_path):
    host = make_host(write_gold(tmp_path / "gold"))
    seeing = Recites.probing
    host.metrics["gold"].probing = blind
    findings = probe(host, ProbeSettings())
    assert [f.value for f in findings.pick("probe/concept", "before")] == [1.0, 1.0]
    assert findings.pick("probe/concept", "gold")[1].value in (0.0, 1.0)  # a draw between two equal means
    assert findings.pick("probe/others", "before")[0].n == 9
    assert seeing is Recites.probing
    (check,) = ON_HOST["probe"].judge(findings, Limits())
    gold = {f.condition: f.value for f in findings.pick("probe/concept", "gold")}
    gaps = [f.value - gold[f.condition] for f in findings.pick("probe/concept", "after")]
    assert check.value == max(gaps)


def test_without_a_gold_standard_there_is_no_verdict():
    (check,) = ON_HOST["probe"].judge(probe(make_host(), ProbeSettings()), Limits())
    assert (check.met, check.what) == (None, "needs --host_gold")
