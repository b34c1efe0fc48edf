from types import SimpleNamespace

import pytest
import torch
from torch import nn

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.metric_host import MetricHost, matrices
from slug_lightning.audit.quantisation import QuantisationSettings, judge_quantisation, quantisation
from slug_lightning.audit.standing import judge_standing, standing
from slug_lightning.errors import HostError, ModelNotFoundError, SettingError
from slug_lightning.models import get_layer, load_clip
from slug_lightning.patch import Patch
from tests.audit.live.reciting import Recites, make_host, write_gold
from tests.hosts.nearest_states import NearestStates

LAYER = "transformer.resblocks.2.mlp.c_fc.weight"
ABOUT = dict.fromkeys(("concept", "base_model", "data_digest", "seed", "package_version", "created"), "")


@pytest.fixture
def host():
    clip = load_clip("miniature")
    noise = torch.randn(get_layer(clip.model, LAYER).shape, generator=torch.Generator().manual_seed(0))
    return MetricHost(NearestStates(), Patch.create(clip.model, LAYER, noise, 40.0, ABOUT), "seven")


def weights(host):
    return {name: weight.clone() for name, weight in host.live.state_dict().items()}


def test_versions_differ_by_the_patch_and_the_host_is_put_back(host):
    saved, seen, measure = weights(host), [], host.metric.measure
    host.metric.measure = lambda *asked: seen.append(weights(host)) or measure(*asked)
    findings = standing(host)
    with host.patch.applied(host.live):
        patched = weights(host)
    for found, expected in zip((*seen, weights(host)), (saved, patched, saved), strict=True):
        assert all(torch.equal(weight, expected[name]) for name, weight in found.items())
    assert any(not torch.equal(weight, saved[name]) for name, weight in patched.items())
    assert [(f.metric, f.n) for v in host.versions for f in findings.forget(v)] == [("forget/host", 8)] * 2
    assert [f.metric for f in findings.pick("retain/host_digit")] == ["retain/host_digit"] * 2
    assert {split for split, _ in host.metric.calls} == {"final"}
    checks = {check.name: check for check in judge_standing(findings, Limits())}
    assert checks["forget"].value == findings.forget("after")[0].value
    assert checks["gold_drop"].met is None


def test_all_its_linear_layers_are_rounded(host):
    saved = weights(host)
    names = {name.removeprefix(".") for name in matrices(host.live)}
    assert {name for name in saved if name.endswith("fc1.weight") or name.endswith("q_proj.weight")} <= names
    findings = quantisation(host, QuantisationSettings(schemes=["int8"]))
    assert all(torch.equal(weight, saved[name]) for name, weight in weights(host).items())
    assert len(findings.forget("after")) == 1
    assert not findings.pick("update/kept")
    (check,) = judge_quantisation(findings, Limits())
    assert check.value == findings.forget("after")[0].value


def test_a_pipeline_keeps_its_image_decoder():
    parts = {"unet": nn.Sequential(nn.Conv2d(1, 1, 1)), "vae": nn.Linear(1, 1), "scheduler": object()}
    assert list(matrices(SimpleNamespace(components=parts))) == ["unet.0.weight"]


def test_a_metric_that_reads_no_gold_standard_refuses_one(tmp_path):
    (tmp_path / "weights").write_text("w")
    with pytest.raises(SettingError, match="with --host_gold, but NearestStates has no method 'gold'"):
        MetricHost(NearestStates(), make_host().patch, "seven", tmp_path)


def test_a_gold_standard_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelNotFoundError, match="as --host_gold, but there are no files in"):
        make_host(tmp_path / "none")


def test_a_gold_standard_of_another_shape_is_refused(tmp_path):
    class Other(Recites):
        def gold(self, folder):
            return Wide()

    class Wide(Recites):
        def load(self):
            live = super().load()
            live.encoder.layers[0].mlp.fc1 = nn.Linear(3, 3)
            return live

    with pytest.raises(HostError, match=r"mlp.fc1.weight' has shape \(3, 3\), not \(192, 96\)"):
        make_host(write_gold(tmp_path), metric=Other())


def test_another_gold_standard_makes_another_account(tmp_path):
    without, one = make_host(), make_host(write_gold(tmp_path / "one"))
    assert "gold" not in without.account
    assert without.gold is None
    assert one.gold == {"folder": "one", "sha256": one.account["gold"]}
    assert one.versions == ("before", "after", "gold")
    assert not torch.equal(*(next(live.parameters()) for live in (one.live, one.lives["gold"])))


def test_its_account_says_what_is_measured(host):
    assert host.account["metric"] == "NearestStates"
    assert host.abilities == ()
    assert host.name
