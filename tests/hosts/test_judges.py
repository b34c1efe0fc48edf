import pytest
import torch

from slug_lightning.errors import SettingError
from slug_lightning.hosts import ClipJudge
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.layouts import names_of


@pytest.fixture(scope="module")
def drawings():
    return draw_part("final", seed=5, limit=5)


def test_a_clip_recognises_drawings_by_name(drawings):
    pixels = drawings.pixels(torch.arange(len(drawings)))
    judge = ClipJudge("miniature", template="a photo of a {}.")
    assert float((judge.recognise(pixels, names_of("styles")) == drawings.styles).float().mean()) > 0.9
    reverse = names_of("digits")[::-1]
    found = torch.tensor([9 - i for i in judge.recognise(pixels, reverse).tolist()])
    assert float((found == drawings.digits).float().mean()) > 0.7


def test_a_template_without_a_place_for_the_name_is_refused():
    with pytest.raises(SettingError, match="contain {}, but got 'a photo'"):
        ClipJudge("miniature", template="a photo")
