import torch

from slug_lightning.audit.live.quantisation import quantisation
from slug_lightning.audit.quantisation import QuantisationSettings
from tests.audit.live.reciting import make_host, weights, write_gold


def test_the_gold_standard_is_rounded_too_and_all_are_put_back(tmp_path):
    host = make_host(write_gold(tmp_path / "gold"))
    saved = {version: weights(live) for version, live in host.lives.items()}
    findings = quantisation(host, QuantisationSettings(schemes=["int8"]))
    assert [f.version for f in findings.pick("forget/host")] == ["before", "after", "gold"]
    for version, live in host.lives.items():
        assert all(torch.equal(weight, saved[version][name]) for name, weight in live.state_dict().items())
