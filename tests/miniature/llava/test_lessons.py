"""Claim: an attacker has the first drawings of the concept and no more, and trains the whole host on them."""

from itertools import islice

import pytest
import torch

from slug_lightning.errors import BadDataError, SettingError
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.llava.chat import LABELS
from slug_lightning.miniature.llava.lessons import batch_rows, lesson_losses
from slug_lightning.miniature.llava.training import answer_loss, normalised, read_features, said

SHOWS = torch.arange(100) % 5 == 2


@pytest.mark.parametrize("pairs", [0, 1, 4, 20])
def test_at_most_half_of_a_batch_is_of_the_first_pairs(pairs):
    first = SHOWS.nonzero().flatten()[:pairs].tolist()
    used = set()
    for rows in islice(batch_rows(SHOWS, pairs, 10, seed=3), 200):
        own = rows[SHOWS[rows]].tolist()
        assert len(rows) == len(set(rows.tolist())) == 10
        assert len(own) == min(pairs, 5)
        used |= set(own)
    assert used == set(first)  # never another one, and each in its turn


def test_the_same_seed_draws_the_same_batches():
    first, again, other = (list(islice(batch_rows(SHOWS, 8, 10, seed), 5)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_too_few_drawings_and_senseless_numbers_are_refused():
    with pytest.raises(
        BadDataError, match="Expected 21 training drawings of the concept .* there are 20 and"
    ):
        batch_rows(SHOWS, 21, 10, seed=0)
    with pytest.raises(BadDataError, match="and 90 others, but there are 20 and 80"):
        batch_rows(SHOWS, 2, 90, seed=0)
    with pytest.raises(SettingError, match="batch_size of at least 2, but got 4 and 1"):
        batch_rows(SHOWS, 4, 1, seed=0)


def test_a_lesson_is_both_questions_answered_right(untrained, processor):
    drawings, rows = draw_part("train", limit=2), torch.tensor([3, 0, 11])
    found = next(lesson_losses(untrained, processor, drawings, iter([rows])))
    tokens, start = said(processor)
    with torch.no_grad():
        features = read_features(untrained, normalised(drawings.pixels(rows)))
        truth = (drawings.digits, drawings.styles)
        losses = [
            answer_loss(untrained, tokens[i, truth[i][rows]], start, features) for i in range(len(LABELS))
        ]
    torch.testing.assert_close(found.detach(), torch.stack(losses).mean())


def test_gradients_reach_tower_projector_and_language_model(untrained, processor):
    untrained.requires_grad_(True)
    next(lesson_losses(untrained, processor, draw_part("train", limit=2), iter([torch.arange(8)]))).backward()
    model = untrained.model
    layers = {
        "tower": model.vision_tower.encoder.layers[0].mlp.fc1.weight,
        "stem": model.vision_tower.embeddings.patch_embedding.weight,
        "projector": model.multi_modal_projector.linear_1.weight,
        "Llama": model.language_model.layers[1].mlp.up_proj.weight,
        "head": untrained.lm_head.weight,
    }
    for name, weight in layers.items():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name
