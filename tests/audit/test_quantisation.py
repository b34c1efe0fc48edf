import sys

import pytest
import torch

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.quantisation import (
    QuantisationSettings,
    is_transposed,
    judge_quantisation,
    quantisation,
    quantised,
    round_weight,
    survival,
)
from slug_lightning.errors import SettingError
from tests.audit.making import make_host


@pytest.mark.parametrize(("scheme", "bits", "scales"), [("int8", 8, 1), ("int4", 4, 2)])
def test_values_are_codes_times_scale_and_nearest(scheme, bits, scales):
    weight = torch.randn(8, 64, generator=torch.Generator().manual_seed(0))
    rounded = round_weight(weight, scheme, group=32)
    torch.testing.assert_close(rounded.values, rounded.codes.float() * rounded.scale)
    assert rounded.codes.min() >= -(2 ** (bits - 1))
    assert rounded.codes.max() <= 2 ** (bits - 1) - 1
    assert len(rounded.scale[0].unique()) == scales
    inside = rounded.codes.abs() < 2 ** (bits - 1) - 1
    assert (((rounded.values - weight).abs() <= 0.5001 * rounded.scale) | ~inside).all()


def test_a_group_that_does_not_divide_a_row_is_the_row():
    rounded = round_weight(torch.randn(4, 33, generator=torch.Generator().manual_seed(0)), "int4", group=32)
    assert all(len(row.unique()) == 1 for row in rounded.scale)


def test_projections_have_a_scale_for_each_column():
    weight = torch.randn(16, 8, generator=torch.Generator().manual_seed(0)) * torch.logspace(-2, 2, 8)
    columns = round_weight(weight, "int8", columns=True)
    assert all(len(column.unique()) == 1 for column in columns.scale.T)
    rows = round_weight(weight, "int8")
    assert (columns.values - weight).abs()[:, 0].max() < (rows.values - weight).abs()[:, 0].max()
    assert is_transposed("text_projection")
    assert not is_transposed("text_projection.weight")


def test_convolutions_keep_their_shape():
    weight = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert round_weight(weight, "int8").values.shape == weight.shape


def test_weights_come_back_bit_for_bit():
    weights = {"a.weight": torch.randn(4, 32, generator=torch.Generator().manual_seed(0))}
    before = weights["a.weight"].clone()
    with pytest.raises(KeyError), quantised(weights, "int4", 32):
        assert not torch.equal(weights["a.weight"], before)
        raise KeyError
    assert torch.equal(weights["a.weight"], before)


def test_an_update_below_half_a_step_vanishes_and_a_large_one_stays():
    weight = torch.randint(-7, 8, (8, 32), generator=torch.Generator().manual_seed(0)).float()
    weight[:, 0] = 7.5  # so that one rounding step is 1, and all other weights are whole steps
    noise = torch.randn(8, 32, generator=torch.Generator().manual_seed(1)).clamp(-1, 1)
    noise[:, 0] = 0
    tiny = {f.metric: f for f in survival("a.weight", weight, weight + 0.4 * noise, "int4", 32)}
    assert tiny["update/changed"].value == 0
    assert tiny["update/kept"].value == 0
    moved = (weight + 3 * noise).clamp(-7, 7.5)
    large = {f.metric: f for f in survival("a.weight", weight, moved, "int4", 32)}
    assert large["update/kept"].value == pytest.approx(1, abs=0.1)
    assert large["update/rounding_steps"].value > 3 * tiny["update/rounding_steps"].value


def test_the_attack_measures_every_version_and_restores_it():
    host = make_host()
    saved = {v: {n: w.clone() for n, w in m.state_dict().items()} for v, m in host.models.items()}
    findings = quantisation(host, QuantisationSettings(schemes=["int8"]))
    for version, weights in saved.items():
        assert all(torch.equal(w, weights[n]) for n, w in host.models[version].state_dict().items())
    assert [f.version for f in findings.pick("forget/top1")] == ["before", "after", "gold"]
    (check,) = judge_quantisation(findings, Limits(quantised_forget=1.0))
    assert check.met
    assert check.what.endswith("int8")


def test_without_torchao_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(SettingError, match=r"Expected torchao .* pip install 'slug_lightning\[audit\]'"):
        round_weight(torch.ones(2, 2), "int8")
