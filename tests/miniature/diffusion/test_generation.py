import pytest
import torch

from slug_lightning.miniature.diffusion.generation import generate, starting_noise
from slug_lightning.miniature.diffusion.pipeline import miniature_stable_diffusion
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch

PROMPTS = ["a chalk drawing of a seven", "a neon sign of a two", "a mosaic of a four"]

ABOUT = ("concept", "base_model", "data_digest", "seed", "created", "package_version")


@pytest.fixture(scope="module")
def pipeline():
    return miniature_stable_diffusion()


def test_the_noise_of_an_image_does_not_depend_on_the_others():
    assert torch.equal(starting_noise(3, seed=1), starting_noise(7, seed=1)[:3])
    assert not torch.equal(starting_noise(3, seed=1), starting_noise(3, seed=2))
    noise = starting_noise(200, seed=0)
    assert abs(float(noise.std()) - 1) < 0.02
    assert len(torch.unique(noise[:, 0, 0, 0])) == 200


def test_the_same_noise_gives_the_same_images_and_other_noise_others(pipeline):
    first, again = (generate(pipeline, PROMPTS, starting_noise(3, 0), steps=3) for _ in range(2))
    assert first.shape == (3, 3, 32, 32)
    assert torch.equal(first, again)
    assert not torch.equal(first, generate(pipeline, PROMPTS, starting_noise(3, 1), steps=3))


def test_prompts_beyond_one_batch_are_drawn_too(pipeline):
    prompts = [PROMPTS[i % 3] for i in range(101)]
    images = generate(pipeline, prompts, starting_noise(101, 0), steps=1)
    assert len(images) == 101
    alone = generate(pipeline, prompts[100:], starting_noise(101, 0)[100:], steps=1)
    torch.testing.assert_close(images[100:], alone, atol=1e-4, rtol=1e-4)


def test_a_patch_changes_the_images_and_its_end_restores_them_bit_for_bit(pipeline):
    model = load_clip("miniature").model
    layer = "transformer.resblocks.3.mlp.c_fc.weight"
    direction = torch.randn(model.get_parameter(layer).shape, generator=torch.Generator().manual_seed(0))
    patch = Patch.create(model, layer, direction, 0.05, dict.fromkeys(ABOUT, "made up"))
    noise = starting_noise(3, 0)
    before = generate(pipeline, PROMPTS, noise, steps=3)
    with patch.applied(pipeline):
        patched = generate(pipeline, PROMPTS, noise, steps=3)
    assert not torch.allclose(patched, before, atol=1e-3)
    assert torch.equal(generate(pipeline, PROMPTS, noise, steps=3), before)
