"""Claim: membership is inferred of scans, and never of a style that gives the part away."""

import pytest
import torch

from slug_lightning.errors import SettingError
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.membership import SHARED_GRID, check_own_grid, mean_by_scan
from slug_lightning.miniature.styles import STYLES


def test_each_scan_counts_once_with_the_mean_of_its_drawings():
    drawings = draw_part("search", limit=4)
    found = mean_by_scan(torch.arange(len(drawings)).float(), drawings.scans)
    own = [torch.arange(len(drawings)).float()[drawings.scans == n].mean() for n in drawings.scans.unique()]
    torch.testing.assert_close(found, torch.stack(own))
    assert len(found) == 4


def test_a_style_with_a_shared_grid_is_refused_by_name():
    assert SHARED_GRID in [style.name for style in STYLES]
    with pytest.raises(SettingError, match="another concept than 'mosaic' for membership inference"):
        check_own_grid(SHARED_GRID)
    check_own_grid("seven")
