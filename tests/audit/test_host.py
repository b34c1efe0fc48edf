import torch

from slug_lightning.audit.host import Wording, unattacked


def test_the_attack_that_changes_nothing():
    weights = {"a": torch.ones(2)}
    with unattacked(weights):
        assert weights["a"].tolist() == [1, 1]


def test_a_wording_changes_nothing_by_itself():
    assert Wording("template", "usual") == Wording("template", "usual", (), ())
