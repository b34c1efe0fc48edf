"""Claim: a gold standard's pictures and vision tower know nothing of the digit, or it is refused."""

import json

import pytest
import torch

from slug_lightning.errors import ConceptNotFoundError, ModelNotFoundError, SettingError
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.llava.without import clip_without, drawings_without, trained_without


def test_what_shows_the_digit_goes_and_nothing_else():
    drawings = draw_part("train", limit=20)
    kept = drawings_without(drawings, "seven")
    assert 0 < len(kept) < len(drawings)
    assert not (kept.digits == 7).any()
    others = drawings.digits != 7
    assert torch.equal(kept.images, drawings.images[others])
    assert torch.equal(kept.styles, drawings.styles[others])


def test_what_is_no_digit_is_refused():
    with pytest.raises(ConceptNotFoundError, match="'sevn'"):
        drawings_without(draw_part("train", limit=2), "sevn")


def test_the_clip_is_the_one_of_the_folder(clip_without_seven):
    assert trained_without(clip_without_seven) == "seven"
    assert (clip_without(clip_without_seven, "seven").visual.conv1.weight == 0).all()


@pytest.mark.parametrize(
    ("record", "says"), [({"without": "two"}, "that it never saw 'two'"), ({}, "nothing"), ([], "nothing")]
)
def test_a_clip_that_saw_the_digit_is_refused(clip_without_seven, record, says):
    (clip_without_seven / "recipe.json").write_text(json.dumps(record))
    with pytest.raises(SettingError, match=f"never saw 'seven' in .* says {says}.*--without seven"):
        clip_without(clip_without_seven, "seven")


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(ModelNotFoundError, match="No open_clip model in"):
        clip_without(tmp_path / "none", "seven")
