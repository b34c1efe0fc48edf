import open_clip
import pytest
import torch

from slug_lightning.errors import SettingError
from slug_lightning.models import vision_tower
from slug_lightning.models.class_token import through_patch_tokens
from tests.helpers import pictures, tiny_clip

BLOCKS = "visual.transformer.resblocks."
WEIGHTS = (f"{BLOCKS}0.mlp.c_proj.weight", f"{BLOCKS}1.attn.in_proj_weight")


def gradients(model, tower, images):
    value = tower.pooled(images)[:, 0].sum()
    return torch.autograd.grad(value, [model.get_parameter(name) for name in WEIGHTS])


def test_embeddings_are_the_same():
    model = tiny_clip()
    whole = vision_tower(model)
    tower = through_patch_tokens(whole, model, blocks=2)
    images = pictures(3)
    assert torch.equal(tower.pooled(images), whole.pooled(images))
    assert torch.equal(tower(images), whole(images))


def test_the_gradient_is_that_of_patch_tokens_alone():
    """It equals the derivative along the change of patch tokens, by finite differences in float64."""
    model = tiny_clip().double()
    tower = through_patch_tokens(vision_tower(model), model, blocks=2)
    images, name = pictures(2).double(), WEIGHTS[0]
    weight = model.get_parameter(name)
    (found,) = torch.autograd.grad(tower.pooled(images)[:, 0].sum(), [weight])
    change = torch.randn_like(weight)
    read, visual = {}, model.visual

    def tokens(step):
        with torch.no_grad():
            weight.add_(step * change)
            hook = visual.transformer.resblocks[1].register_forward_hook(lambda m, i, o: read.update(o=o))
            visual(images)
            hook.remove()
            weight.sub_(step * change)
        return read["o"]

    def embedding(states):
        with torch.no_grad():
            pooled = visual.ln_post(visual.transformer.resblocks[2](states)[:, 0]) @ visual.proj
        return torch.nn.functional.normalize(pooled, dim=-1)[:, 0].sum()

    at, size = tokens(0.0), 1e-5

    def mixed(step):
        return embedding(torch.cat([at[:, :1], tokens(step)[:, 1:]], dim=1))

    slope = (mixed(size) - mixed(-size)) / (2 * size)
    assert float(slope) == pytest.approx(float((found * change).sum()), rel=1e-4)


def test_it_is_another_gradient_than_the_whole_one():
    model, images = tiny_clip(), pictures(3)
    whole = vision_tower(model)
    ours = gradients(model, through_patch_tokens(whole, model, blocks=2), images)
    assert all(not torch.allclose(a, b) for a, b in zip(ours, gradients(model, whole, images), strict=True))


def test_towers_and_hosts_without_such_a_path_are_refused():
    model = tiny_clip()
    with pytest.raises(SettingError, match="reads 1 to 2 of 3 vision blocks"):
        through_patch_tokens(vision_tower(model), model, blocks=3)
    averaged = tiny_clip(vision={"pool_type": "avg"})
    with pytest.raises(SettingError, match="pools its class token"):
        through_patch_tokens(vision_tower(averaged), averaged, blocks=2)
    resnet = {"layers": [1, 1, 1, 1], "width": 8, "image_size": 32, "head_width": 8}
    other = open_clip.CLIP(embed_dim=8, vision_cfg=resnet, text_cfg={"layers": 1, "width": 8, "heads": 1})
    with pytest.raises(SettingError, match="got ModifiedResNet"):
        through_patch_tokens(vision_tower(other), other, blocks=2)
