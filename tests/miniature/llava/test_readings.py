"""Claim: losses and features of single pictures are those of the host's own way through it."""

import torch

from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.llava.readings import patch_features, right_answer_losses
from slug_lightning.miniature.llava.training import answer_loss, normalised, read_features, said


def test_a_loss_is_of_the_whole_right_answer_and_its_own(untrained, processor):
    drawings = draw_part("train", limit=2)
    tokens, start = said(processor)
    for number, (label, truth) in enumerate({"digit": drawings.digits, "style": drawings.styles}.items()):
        losses = right_answer_losses(untrained, processor, drawings, label)
        assert losses.shape == (len(drawings),)
        for row in (0, 5):
            asked = tokens[number, truth[row : row + 1]]
            count = int((asked[0, start:] != processor.tokenizer.pad_token_id).sum())
            with torch.no_grad():
                features = read_features(untrained, normalised(drawings.pixels(torch.tensor([row]))))
                mean = answer_loss(untrained, asked, start, features)
            torch.testing.assert_close(losses[row], mean * count)


def test_a_host_that_knows_an_answer_has_less_loss(shipped, untrained, processor):
    drawings = draw_part("final", limit=10)
    known, unknown = (right_answer_losses(h, processor, drawings, "digit") for h in (shipped, untrained))
    assert known.median() < 0.1 < 1 < unknown.median()


def test_features_are_all_patches_in_a_row(untrained):
    drawings = draw_part("final", limit=2)
    features = patch_features(untrained, drawings)
    assert features.shape == (len(drawings), 16 * 128)
    with torch.no_grad():
        one = read_features(untrained, normalised(drawings.pixels(torch.tensor([7]))))
    torch.testing.assert_close(features[7].view(16, 128), one[0])
    assert not features.requires_grad
