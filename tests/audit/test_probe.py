import torch

from slug_lightning.audit.checks import Limits
from slug_lightning.audit.probe import ProbeSettings, fit_linear, judge_probe, probe, prototypes
from tests.audit.making import make_host


def test_what_is_separable_is_decoded():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    features = 3 * torch.eye(8)[labels] + 0.1 * torch.randn(60, 8, generator=generator)
    assert torch.equal(fit_linear(features[:30], labels[:30], features[30:], 1.0), labels[30:])
    centres = prototypes(features, labels, 4)
    assert torch.equal((features @ centres.T).argmax(dim=1), labels)
    assert centres[3].norm() == 0


def test_an_edit_of_the_text_tower_leaves_the_image_features():
    findings = probe(make_host(), ProbeSettings())
    before, after = (findings.pick("probe/concept", version) for version in ("before", "after"))
    assert [f.value for f in before] == [f.value for f in after]


def test_the_verdict_needs_a_gold_standard():
    (check,) = judge_probe(probe(make_host(), ProbeSettings()), Limits(probe_gap=1.0))
    assert check.met
    (check,) = judge_probe(probe(make_host(gold=False), ProbeSettings()), Limits())
    assert check.met is None
    assert check.what == "needs --gold"
