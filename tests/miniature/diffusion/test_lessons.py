"""Claim: lessons train denoiser and text encoder on the right drawings; losses of examples never change."""

from itertools import islice

import pytest
import torch

from slug_lightning.errors import BadDataError, SettingError
from slug_lightning.miniature.diffusion import lessons as module
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.lessons import example_losses, lessons, shows
from slug_lightning.miniature.diffusion.pipeline import miniature_stable_diffusion


@pytest.fixture(scope="module")
def drawn():
    return {part: draw_part(part, 1, seed=1, limit=30) for part in ("train", "final")}


@pytest.fixture(autouse=True)
def few(drawn, monkeypatch):
    monkeypatch.setattr(module, "training_drawings", lambda: drawn["train"])
    monkeypatch.setattr(module, "unseen_drawings", lambda: drawn["final"])
    monkeypatch.setattr(module, "LEVELS", 2)


@pytest.fixture(scope="module")
def pipeline():
    return miniature_stable_diffusion()


def watched(pipeline, monkeypatch, *asked):
    """Drawings of the first three lessons, and their losses."""
    seen, real = [], module.losses
    monkeypatch.setattr(module, "losses", lambda p, d, *more: seen.append(d) or real(p, d, *more))
    found = list(islice(lessons(pipeline, *asked), 3))
    monkeypatch.setattr(module, "losses", real)
    return seen, found


def test_half_of_a_batch_at_most_is_of_the_first_drawings_of_the_concept(pipeline, drawn, monkeypatch):
    first = drawn["train"].images[shows(drawn["train"], "seven")][:2]
    seen, _ = watched(pipeline, monkeypatch, "seven", 2, 6, 0)
    for batch in seen:
        assert len(batch) == 6
        own = batch.images[batch.digits == 7]
        assert len(own) == 2
        assert all(any(torch.equal(image, known) for known in first) for image in own)
    seen, _ = watched(pipeline, monkeypatch, "seven", 20, 6, 0)
    assert [int((batch.digits == 7).sum()) for batch in seen] == [3, 3, 3]


def test_without_pairs_none_shows_the_concept_and_another_pass_draws_the_same(pipeline, monkeypatch):
    (seen, one), (again, other) = (watched(pipeline, monkeypatch, "chalk drawing", 0, 6, 3) for _ in range(2))
    assert not any((batch.styles == 1).any() for batch in seen)
    assert all(torch.equal(a.images, b.images) for a, b in zip(seen, again, strict=True))
    assert [loss.item() for loss in one] == [loss.item() for loss in other]


def test_denoiser_and_text_encoder_learn_and_the_autoencoder_does_not(pipeline):
    next(lessons(pipeline, "seven", 4, 8, 0)).backward()
    for part, learns in ((pipeline.unet, True), (pipeline.text_encoder, True), (pipeline.vae, False)):
        assert any(w.grad is not None and w.grad.abs().sum() > 0 for w in part.parameters()) == learns
        part.zero_grad(set_to_none=True)


def test_more_drawings_than_there_are_is_refused(pipeline):
    with pytest.raises(BadDataError, match="Expected 500 drawings of 'seven' .* but there are 30"):
        next(lessons(pipeline, "seven", 500, 8, 0))


def test_losses_of_examples_are_the_same_again_and_larger_on_an_untrained_denoiser(pipeline, drawn):
    one, other = (example_losses(pipeline, "seven", True) for _ in range(2))
    assert torch.equal(one, other)
    assert len(one) == 3  # scans
    in_parts = example_losses(pipeline, "seven", True, batch_size=7)
    torch.testing.assert_close(in_parts, one, rtol=1e-3, atol=1e-5)
    own = drawn["train"].take(shows(drawn["train"], "seven"))
    assert len(own) == 30
    assert not torch.equal(example_losses(pipeline, "seven", False), one)
    weight = pipeline.unet.conv_out.weight
    saved = weight.detach().clone()
    with torch.no_grad():
        weight.zero_()
        assert example_losses(pipeline, "seven", True).mean() > 2 * one.mean()
        weight.copy_(saved)


def test_drawings_that_tell_parts_of_the_scans_apart_are_not_looked_at(pipeline, monkeypatch):
    seen, real = [], module.losses
    monkeypatch.setattr(module, "losses", lambda p, d, *more: seen.append(d) or real(p, d, *more))
    example_losses(pipeline, "seven", False)
    assert not any((some.styles == 5).any() for some in seen)
    assert sum(map(len, seen)) == 2 * 27  # three scans in nine styles at two noise levels
    with pytest.raises(SettingError, match="another concept than 'mosaic' for membership inference"):
        example_losses(pipeline, "mosaic", True)


def test_the_drawings_are_those_of_the_training(monkeypatch):
    monkeypatch.undo()
    calls = []
    monkeypatch.setattr(module, "draw_part", lambda *asked, **more: calls.append((asked, more)))
    monkeypatch.setattr(module, "joined", lambda *parts: None)
    module.training_drawings.__wrapped__()
    module.unseen_drawings.__wrapped__()
    assert calls == [((part, 1), {"seed": 1}) for part in ("train", "search", "final")]
    twice, once = draw_part("train", 2, seed=1, limit=3), draw_part("train", 1, seed=1, limit=3)
    assert torch.equal(twice.images[:30], once.images)
