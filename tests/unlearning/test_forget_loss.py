"""The contrastive forget loss in a whole run: what it is the gradient of, and what a file says of it."""

import pytest
import torch
import torch.nn.functional as F

from slug_lightning.data.captions import names_concept
from slug_lightning.data.shards import iter_pairs
from slug_lightning.errors import BadDataError, SettingError
from slug_lightning.functional import contrast_loss, pair_cosine_loss
from slug_lightning.models import candidate_layers, get_layer, load_clip, text_tower
from slug_lightning.patch import Patch
from slug_lightning.unlearning import SLUG, Gradients
from slug_lightning.unlearning.forget_loss import FORGET_LOSSES, ForgetLoss, encode_captions
from tests.helpers import captions, fit, tiny_clip, words

CONTRAST = ("--model.forget_loss", "contrast")


@pytest.fixture(scope="module")
def clip():
    return load_clip("miniature")


@pytest.fixture(scope="module")
def contrast_run(tiny_world, tmp_path_factory):
    some = ("--model.contrast_captions", "100000", "--data.retain_limit", "256")
    return fit(tiny_world, tmp_path_factory.mktemp("contrast"), *CONTRAST, *some)


def tokens_and_images(clip, pairs):
    pairs = list(pairs)
    return clip.tokenize([p.caption for p in pairs]), torch.stack([clip.preprocess(p.image) for p in pairs])


@pytest.fixture(scope="module")
def naive_loss(clip, tiny_world):
    """The loss over all forget pairs at once, against every retained caption of the run."""
    tokens, images = tokens_and_images(clip, iter_pairs(str(tiny_world / "forget" / "seven" / "*.tar")))
    first = list(iter_pairs(str(tiny_world / "laion" / "*.tar")))[:256]
    kept = clip.tokenize([p.caption for p in first if not names_concept(p.caption, "seven")])
    with torch.no_grad():
        others = F.normalize(clip.model.encode_text(kept), dim=-1)

    def loss():
        image = F.normalize(clip.model.encode_image(images), dim=-1)
        caption = F.normalize(clip.model.encode_text(tokens), dim=-1)
        scale = clip.model.logit_scale.exp().detach()
        cosine = 1 - (image * caption).sum(dim=-1).mean()
        return contrast_loss(image, caption, others, scale) / len(images), cosine

    return loss


def test_without_other_captions_it_is_the_loss_of_the_paper():
    image, caption = F.normalize(torch.randn(3, 4), dim=-1), F.normalize(torch.randn(3, 4), dim=-1)
    assert torch.equal(ForgetLoss()(image, caption, torch.tensor(9.0)), pair_cosine_loss(image, caption))


def test_captions_are_encoded_as_the_tower_does_it_whatever_the_batch():
    tower, tokens = text_tower(tiny_clip()), captions(10)
    with torch.no_grad():
        torch.testing.assert_close(encode_captions(tower, tokens, 3), tower(tokens))
    assert not encode_captions(tower, tokens).requires_grad


def test_the_gradients_of_a_run_are_those_of_the_naive_loss(contrast_run, clip, naive_loss):
    found = Gradients.load(contrast_run / "gradients.safetensors")
    loss, _ = naive_loss()
    assert found.losses["forget"] == pytest.approx(float(loss.detach()), rel=1e-4)
    layers = candidate_layers(clip.model)
    expected = torch.autograd.grad(loss, [get_layer(clip.model, name) for name in layers])
    for name, gradient in zip(layers, expected, strict=True):
        torch.testing.assert_close(found.forget[name], gradient, rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_a_small_step_raises_the_loss_and_pulls_the_forget_pairs_apart(contrast_run, clip, naive_loss):
    """The sign theorem holds for this loss, and here for the cosine of the pairs as well, in both towers."""
    found = Gradients.load(contrast_run / "gradients.safetensors")
    before, before_cosine = naive_loss()
    for name in found.layers:
        weight, direction = get_layer(clip.model, name), found.forget[name]
        saved = weight.clone()
        weight.copy_(saved + 0.01 * weight.norm() / direction.norm() * direction)
        after, after_cosine = naive_loss()
        weight.copy_(saved)
        assert after > before, name
        assert after_cosine > before_cosine, name


def test_gradients_and_patch_say_which_loss(contrast_run, tiny_run):
    for run, loss in ((contrast_run, "contrast"), (tiny_run, "cosine")):
        assert Gradients.load(run / "gradients.safetensors").header["forget_loss"] == FORGET_LOSSES[loss]
        assert Patch.load(run / "patch.safetensors").header["loss"] == FORGET_LOSSES[loss]


@pytest.mark.slow  # four runs
def test_gradients_of_the_other_loss_are_not_reused(tiny_world, tmp_path):
    few = ("--data.retain_limit", "64", "--model.search.evaluations", "1", "--data.forget_sample", "8")
    one = fit(tiny_world, tmp_path, *few, status=None)
    from slug_lightning.cli.lightning import build

    other = build(words(tiny_world, tmp_path, *few, *CONTRAST)).model
    assert other.gradients_from is None
    assert other.retain_from == one / "gradients.safetensors"  # the retain part is the same
    assert build(words(tiny_world, tmp_path, *few, *CONTRAST)).model.gradients_from is not None
    fewer = ("--model.contrast_captions", "8")
    assert build(words(tiny_world, tmp_path, *few, *CONTRAST, *fewer)).model.gradients_from is None


def test_a_run_without_retained_captions_is_refused(tiny_world, tmp_path):
    from slug_lightning.cli.lightning import build

    aliases = [f"--data.aliases+={word}" for word in ("a", "the", "in", "of")]
    everything = ["--data.retain_shards", "forget/seven/*.tar"]
    with pytest.raises(BadDataError, match="Expected captions of retain pairs that do not name"):
        build(words(tiny_world, tmp_path, *CONTRAST, *everything, *aliases))


def test_no_captions_are_refused():
    with pytest.raises(SettingError, match="contrast_captions to be at least 1"):
        SLUG(contrast_captions=0)
