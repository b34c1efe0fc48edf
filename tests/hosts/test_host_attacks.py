"""Claim: an audit runs what a host offers; what it lacks is said in one sentence."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from slug_lightning.errors import SettingError
from slug_lightning.hosts.host_attacks import ABILITIES, Confusion, HostAttacks, abilities
from slug_lightning.hosts.host_metric import HostMetric, Split
from slug_lightning.metrics import Accuracy


class Counting(HostMetric):
    """A plain metric."""

    def load(self) -> Any:
        return nn.Identity()

    def retained(self, concept: str) -> Sequence[str]:
        return ["rest"]

    def measure(self, concept: str, names: Sequence[str], split: Split) -> Mapping[str, Accuracy]:
        return {name: Accuracy(1, 2) for name in names}


class Confusing(HostAttacks, Counting):
    """Offers one attack of six."""

    def confusion(self, concept: str) -> Confusion:
        return Confusion([concept, "other"], torch.zeros(2, 3, dtype=torch.long))


def test_a_plain_metric_offers_nothing() -> None:
    assert abilities(Counting()) == ()


def test_only_what_is_overridden_is_offered() -> None:
    assert abilities(Confusing()) == ("confusion",)
    assert list(Confusing().rewordings("seven")) == []


@pytest.mark.parametrize("name", [name for name in ABILITIES if name != "confusion"])
def test_what_is_missing_is_named(name: str) -> None:
    calls: dict[str, tuple[Any, ...]] = {
        "gold": ("folder",),
        "reworded": ("seven", []),
        "lessons": ("seven", 4, 8, 0),
        "example_losses": ("seven", True),
        "probing": ("seven",),
    }
    with pytest.raises(SettingError, match=re.escape(f"Expected Confusing to have a method {name!r}")):
        getattr(Confusing(), name)(*calls[name])


def test_what_is_offered_is_called() -> None:
    counts: Tensor = Confusing().confusion("seven").counts
    assert counts.shape == (2, 3)
