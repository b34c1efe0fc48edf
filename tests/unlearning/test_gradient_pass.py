"""Any way to cut the pass in two, on any number of processes, ends in the same sums."""

import tempfile
from pathlib import Path

import pytest
import torch

from slug_lightning.errors import NonFiniteError
from slug_lightning.unlearning.gradient_pass import GradientPass
from slug_lightning.unlearning.gradients import ROLES, RoleMean
from slug_lightning.unlearning.progress import Progress

TOTALS = {"forget": 3, "retain": 7}
KEY = "key"


class Alone:
    size, first = 1, True

    def gather(self, value):
        return [value]

    def sum_counts(self, counts):
        return dict(counts)

    def from_first(self, value):
        return value

    def copy_from_first_(self, tensor):
        pass


def weights():
    return {"a": torch.linspace(-1, 1, 6, requires_grad=True)}


def loss(some, role, group):
    x = torch.randn(6, generator=torch.Generator().manual_seed(100 * ROLES.index(role) + group))
    return ((some["a"] * x).sin()).sum()


def begin(earlier=None):
    some = weights()
    groups = earlier.groups if earlier else {}
    return some, GradientPass(some, Alone(), earlier, groups, TOTALS, Path(tempfile.gettempdir()))


def go_on(some, current, stop=None):
    """Do the groups that are left, at most ``stop`` of them."""
    done = 0
    for role in ROLES:
        for group in range(current.groups[role], TOTALS[role]):
            if done == stop:
                return current
            current.add(role, loss(some, role, group), 5, f"{role} {group}")
            current.advance(role, 1, {"no_image": 1} if group == 2 else {})
            done += 1
        current.finish_role(role)
    return current


@pytest.mark.parametrize("cut", range(11))
def test_a_pass_in_two_parts_ends_in_the_same_bits(tmp_path, cut):
    whole = go_on(*begin()).progress()
    first = go_on(*begin(), stop=cut)
    first.write(tmp_path / "p", KEY)
    second = go_on(*begin(Progress.load(tmp_path / "p", KEY))).progress()
    for role in ROLES:
        assert torch.equal(second.sums[role]["a"], whole.sums[role]["a"])
    assert (second.pairs, second.loss_sums) == (whole.pairs, whole.loss_sums)
    assert second.skipped == whole.skipped == {"forget": {"no_image": 1}, "retain": {"no_image": 1}}


def test_writing_is_due_after_so_many_groups_and_only_while_it_is_cheap(tmp_path):
    _, current = begin()
    assert not current.is_due(2)
    current.advance("forget", 2, {})
    assert current.is_due(2)
    current.write(tmp_path / "p", KEY)
    current.advance("retain", 2, {})
    current._spent = 1e6  # as if that had taken long
    assert not current.is_due(2)


def test_a_number_that_is_not_finite_stops_the_pass_and_is_not_written(tmp_path):
    some, current = begin()
    with pytest.raises(NonFiniteError, match="batch 0"):
        current.add("forget", some["a"].sum() * float("nan"), 5, "batch 0")
    assert not (tmp_path / "p").exists()


def test_a_role_that_is_known_is_taken_as_it_is_and_not_written_down():
    mean = RoleMean({"a": torch.ones(6)}, 9, 0.5, {"no_image": 2})
    some = weights()
    current = GradientPass(some, Alone(), None, {}, TOTALS, Path(tempfile.gettempdir()), {"retain": mean})
    assert current.groups == {"forget": 0, "retain": 7}
    current.add("forget", loss(some, "forget", 0), 5, "forget 0")
    current.advance("forget", 1, {})
    current.finish_role("forget")
    assert current.progress().groups == {"forget": 1, "retain": 0}
    assert current.skipped["retain"] == {"no_image": 2}
    found = current.finish({})
    assert torch.equal(found.retain["a"], torch.ones(6))
    assert (found.pairs, found.losses["retain"]) == ({"forget": 5, "retain": 9}, 0.5)
