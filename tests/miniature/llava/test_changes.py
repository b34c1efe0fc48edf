"""Claim: a change to a picture is what its label says, and the same in every call."""

import pytest
import torch

from slug_lightning.miniature.llava.changes import list_changes, noise_pictures, plain_pictures


def pictures():
    return torch.randint(
        0, 256, (3, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8
    )


def by_label(mirrored=False):
    return {change.label: change for change in list_changes(mirrored)}


def test_every_change_changes_pictures_into_pictures_the_same_ones_every_time():
    before, kept = pictures(), pictures()
    for change in list_changes(mirrored=True):
        after = change(before)
        assert after.shape == before.shape
        assert after.dtype == torch.uint8
        assert not torch.equal(after, before), change.label
        assert torch.equal(after, change(before)), change.label
        assert torch.equal(before, kept), change.label
    labels = [change.label for change in list_changes(mirrored=True)]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("label", "shift"), [("left", (-3, 0)), ("right", (3, 0)), ("up", (0, -3)), ("down", (0, 3))]
)
def test_a_shift_moves_what_is_inside(label, shift):
    spot = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    spot[..., 16, 16] = 255
    ((_, _, down, right),) = by_label()[f"shifted by 3 pixels {label}"](spot)[:, :1].nonzero().tolist()
    assert (right - 16, down - 16) == shift


def test_a_turn_is_clockwise_and_a_size_is_that_of_what_is_shown():
    spot = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    spot[..., 6:10, 14:18] = 255  # above the middle

    def middle(label):
        mass = by_label()[label](spot)[0, 0].float()
        axis = torch.arange(32.0)
        return float((mass.sum(1) * axis).sum() / mass.sum()), float((mass.sum(0) * axis).sum() / mass.sum())

    assert middle("turned by 20 degrees")[1] > 17.5 > 13.5 > middle("turned by -20 degrees")[1]
    assert middle("scaled to 125%")[0] < 6.5 < 8.5 < middle("scaled to 80%")[0]


def test_colours_are_exchanged_and_inverted_exactly():
    before, changes = pictures(), by_label(mirrored=True)
    assert torch.equal(changes["colours inverted"](before), 255 - before)
    assert torch.equal(changes["red, green, blue as green, blue, red"](before)[:, [1, 2, 0]], before)
    assert torch.equal(changes["mirrored"](before).flip(-1), before)
    grey = changes["grey"](before)
    assert (grey[:, :1] == grey).all()


def test_a_mirror_is_for_what_it_leaves_alone():
    assert "mirrored" not in by_label()
    assert "mirrored" in by_label(mirrored=True)


def test_pictures_of_nothing_are_the_same_whatever_they_stand_for():
    for empty in (noise_pictures, plain_pictures):
        made = empty(pictures())
        assert torch.equal(made, empty(255 - pictures()))
        assert made.shape == pictures().shape
        assert not torch.equal(made[0], made[1])
    assert (plain_pictures(pictures()).flatten(2).float().std(dim=2) == 0).all()
