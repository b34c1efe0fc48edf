"""docs/models.md says of every architecture how it is served, and says it right."""

import open_clip
import pytest

from benchmarks.architectures import PAGE, cost, read_rows, rows
from slug_lightning.models.support import Support, support

TABLE = read_rows(PAGE.read_text(encoding="utf-8"))


def test_the_table_has_every_name_of_open_clip_once():
    assert sorted(TABLE) == sorted(open_clip.list_models())


# The rest is asked under -m slow: each takes a fraction of a second, all of them half a minute.
SOME = ("ViT-B-16", "RN101", "ViT-B-16-SigLIP2", "EVA02-B-16", "PE-Core-B-16", "swin_base_patch4_window7_224")
slow = [pytest.param(n, marks=pytest.mark.slow) for n in open_clip.list_models() if n not in SOME]


@pytest.mark.parametrize("name", [*SOME, *slow])
def test_the_table_says_what_the_towers_say(name):
    assert TABLE[name] == support(name)


def test_rows_are_read_as_written():
    found = {"a": Support("blocks", "whole", "kept", "InfoNCE", "-"), "b": Support("whole", *["x"] * 4)}
    assert read_rows(rows(found)) == found


@pytest.mark.parametrize("name", ["ViT-B-16-SigLIP", "convnext_base"])
def test_the_page_says_what_a_trial_costs(name):
    assert cost(name) in PAGE.read_text(encoding="utf-8").splitlines()
