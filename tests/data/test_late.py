import torch
from PIL import Image

from slug_lightning.data.late import LatePreprocess


class Doubling:
    def __call__(self, image):
        return torch.full((3, *image.size), 2.0)


def test_it_calls_what_it_is_bound_to_and_its_name_has_no_address():
    late = LatePreprocess()
    late.bind(Doubling())
    assert late(Image.new("RGB", (4, 5))).shape == (3, 4, 5)
    assert "Doubling" in repr(late)
    assert "0x" not in repr(late)
