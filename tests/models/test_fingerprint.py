import torch

from slug_lightning.models import tensor_digest, tower_digest
from tests.helpers import tiny_clip


def test_digest_sees_value_dtype_and_shape():
    zero = torch.zeros(2, 3)
    others = [torch.zeros(3, 2), torch.zeros(2, 3, dtype=torch.float16), torch.full((2, 3), 1e-45)]
    assert len({tensor_digest(t) for t in [zero, *others]}) == 4
    assert tensor_digest(zero) == tensor_digest(torch.zeros(3, 2).T)  # layout in memory does not matter


def test_tower_digest_sees_only_its_tower():
    model = tiny_clip()
    vision, text = tower_digest(model, "vision"), tower_digest(model, "text")
    assert vision != text
    with torch.no_grad():
        model.visual.proj[0, 0] += 1
    assert tower_digest(model, "vision") != vision
    assert tower_digest(model, "text") == text


def test_bfloat16_is_hashed():
    assert tensor_digest(torch.ones(3, dtype=torch.bfloat16)) != tensor_digest(torch.ones(3))
