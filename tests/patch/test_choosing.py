import pytest
import torch

from slug_lightning.errors import PatchMismatchError, UnreadLayerError
from slug_lightning.hosts import live_sites
from slug_lightning.patch import Patch
from slug_lightning.patch.choosing import choose_site
from tests.hosts.building import filled_pipeline, source_clip
from tests.patch.conftest import ABOUT

XL = "StableDiffusionXLPipeline"


@pytest.fixture(scope="module")
def xl():
    return filled_pipeline(XL)


def patch_of(model, layer):
    weight = dict(model.named_parameters())[layer]
    return Patch.create(model, layer, torch.ones_like(weight).detach(), 0.1, ABOUT)


def choose(patch, pipe, force=False):
    return choose_site(patch.update, patch.header, live_sites(pipe), force)


@pytest.mark.parametrize("component", ["text_encoder", "text_encoder_2"])
def test_the_encoder_is_found_by_its_weights(xl, component):
    pipe, bases = xl
    layer = "transformer.resblocks.3.attn.in_proj_weight"
    fit = choose(patch_of(bases[component], layer), pipe)
    assert fit.site.place.component == component
    assert torch.equal(fit.weight, dict(bases[component].named_parameters())[layer])
    assert fit.forced == ()


def test_force_takes_the_encoder_of_the_same_shape_and_says_so(xl):
    pipe, _ = xl
    other = patch_of(source_clip(XL, "text_encoder_2", seed=7), "transformer.resblocks.3.mlp.c_fc.weight")
    with pytest.raises(PatchMismatchError, match="is not the one the patch was made on"):
        choose(other, pipe)
    fit = choose(other, pipe, force=True)
    assert fit.site.place.component == "text_encoder_2"
    assert len(fit.forced) == 2


def test_an_unread_layer_is_never_forced(xl):
    pipe, bases = xl
    patch = patch_of(bases["text_encoder"], "transformer.resblocks.11.mlp.c_fc.weight")
    for force in (False, True):
        with pytest.raises(UnreadLayerError, match=r"text_encoder does not read.*resblocks\.11"):
            choose(patch, pipe, force)


def test_the_refusal_is_that_of_the_encoder_the_patch_is_for(xl):
    pipe, bases = xl
    patch = patch_of(bases["text_encoder"], "text_projection")  # the second encoder has one of another shape
    with pytest.raises(UnreadLayerError, match="text_encoder does not have layer 'text_projection'"):
        choose(patch, pipe)


def test_the_wrong_tower_is_refused_with_the_reason(xl):
    pipe, bases = xl
    patch = patch_of(bases["text_encoder"], "visual.proj")
    with pytest.raises(
        UnreadLayerError, match="edits the vision tower.*reads the text tower.*nothing would change"
    ):
        choose(patch, pipe, force=True)
