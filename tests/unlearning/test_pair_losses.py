import pytest
import torch
import torch.nn.functional as F

from slug_lightning.functional import clip_loss
from slug_lightning.unlearning import SLUG, FineTune


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(1)
    tokens = FineTune().load().tokenize(["a seven", "neon three", "a four", "two", "a nine"])
    return {
        "image": torch.randn(5, 3, 32, 32, generator=generator),
        "text": tokens,
        "key": list("abcde"),
        "sizes": [3, 2],
    }


def embedded(model, batch):
    return model.encode_image(batch["image"], normalize=True), model.encode_text(
        batch["text"], normalize=True
    )


def test_the_forget_loss_is_one_minus_the_cosine_summed_over_pairs(batch):
    module = FineTune()
    v, t = embedded(module.load().model, batch)
    found = module.loss_sum({**batch, "role": "forget"})
    torch.testing.assert_close(found, (1 - F.cosine_similarity(v, t)).sum(), rtol=1e-4, atol=1e-5)


def test_the_retain_loss_is_infonce_within_groups(batch):
    module = FineTune()
    model = module.load().model
    v, t = embedded(model, batch)
    scale = model.logit_scale.exp()
    expected = 3 * clip_loss(v[:3], t[:3], scale) + 2 * clip_loss(v[3:], t[3:], scale)
    torch.testing.assert_close(module.loss_sum({**batch, "role": "retain"}), expected, rtol=1e-4, atol=1e-5)


def test_all_methods_have_the_same_losses(batch):
    one, other = SLUG(), FineTune()
    one.load(), other.load()
    for role in ("forget", "retain"):
        assert torch.equal(one.loss_sum({**batch, "role": role}), other.loss_sum({**batch, "role": role}))
