import math

import pytest
import torch
import torch.nn.functional as F

from slug_lightning.functional import clip_loss, contrast_loss, pair_cosine_loss, sigmoid_loss


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_pair_cosine_is_the_sum_over_pairs():
    image, text = unit(5, 8), unit(5, 8, seed=1)
    expected = sum(1 - float(F.cosine_similarity(image[i], text[i], dim=0)) for i in range(5))
    assert pair_cosine_loss(image, text).item() == pytest.approx(expected, rel=1e-6)


def test_pair_cosine_of_batches_adds_up():
    image, text = unit(7, 8), unit(7, 8, seed=1)
    parts = pair_cosine_loss(image[:3], text[:3]) + pair_cosine_loss(image[3:], text[3:])
    torch.testing.assert_close(parts, pair_cosine_loss(image, text))


def test_clip_loss_equals_a_plain_double_loop():
    image, text, scale = unit(4, 8), unit(4, 8, seed=1), 7.0
    total = 0.0
    for i in range(4):
        rows = torch.stack([scale * image[i] @ text[j] for j in range(4)])
        columns = torch.stack([scale * image[j] @ text[i] for j in range(4)])
        total += float(rows.logsumexp(0) - rows[i] + columns.logsumexp(0) - columns[i])
    assert clip_loss(image, text, scale).item() == pytest.approx(total / 8, rel=1e-5)


def test_clip_loss_prefers_matched_pairs():
    image = unit(6, 8)
    assert clip_loss(image, image, 20.0) < clip_loss(image, image.roll(1, 0), 20.0)


def test_sigmoid_loss_equals_a_plain_double_loop():
    image, text, scale, bias = unit(4, 8), unit(4, 8, seed=1), 7.0, -3.0
    total = 0.0
    for i in range(4):
        for j in range(4):
            logit = scale * float(image[i] @ text[j]) + bias
            total += math.log1p(math.exp(-logit if i == j else logit))
    assert sigmoid_loss(image, text, scale, bias).item() == pytest.approx(total / 4, rel=1e-5)


def test_contrast_is_minus_the_log_odds_of_the_own_caption():
    image, text, others, scale = unit(3, 8), unit(3, 8, seed=1), unit(5, 8, seed=2), 7.0
    total = 0.0
    for i in range(3):
        own = math.exp(scale * float(image[i] @ text[i]))
        odds = own / sum(math.exp(scale * float(image[i] @ other)) for other in others)
        total -= math.log(odds) / scale
    assert contrast_loss(image, text, others, scale).item() == pytest.approx(total, rel=1e-5)


def test_contrast_at_a_large_scale_is_the_margin_to_the_nearest_other_caption():
    image, text, others = unit(3, 8), unit(3, 8, seed=1), unit(5, 8, seed=2)
    margin = (image @ others.T).amax(dim=1).sum() - (image * text).sum()
    torch.testing.assert_close(contrast_loss(image, text, others, 1e4), margin, atol=1e-3, rtol=0)


def test_what_all_captions_share_has_no_part_in_the_gradient_of_contrast_but_in_that_of_the_cosine():
    text, others, common = unit(3, 8, seed=1), unit(5, 8, seed=2), 3 * unit(1, 8, seed=3)

    def gradient(loss, *captions):
        image = unit(3, 8).requires_grad_()
        return torch.autograd.grad(loss(image, *captions), image)[0]

    def contrast(image, text, others):
        return contrast_loss(image, text, others, 7.0)

    torch.testing.assert_close(
        gradient(contrast, text + common, others + common), gradient(contrast, text, others)
    )
    moved = gradient(pair_cosine_loss, text + common) - gradient(pair_cosine_loss, text)
    torch.testing.assert_close(moved, -common.expand(3, 8))
