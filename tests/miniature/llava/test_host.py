import pytest
import torch

from slug_lightning.errors import DataNotFoundError, UnreadLayerError
from slug_lightning.hosts import live_sites
from slug_lightning.miniature.llava.host import (
    TOWER,
    WEIGHTS,
    miniature_llava,
    new_host,
    save_language,
    save_tower,
    tower_state,
)
from slug_lightning.models import get_layer, load_clip
from slug_lightning.patch import Patch


def patch_of(layer, size=0.1):
    model = load_clip("miniature").model
    about = dict.fromkeys(("concept", "base_model", "data_digest", "seed", "package_version", "created"), "x")
    return Patch.create(model, layer, torch.ones_like(get_layer(model, layer)), size, about)


@torch.no_grad()
def logits(host, pixels):
    patches = [host.config.image_token_id] * 16
    return host(input_ids=torch.tensor([[1, *patches, 5]]), pixel_values=pixels).logits


def pixels():
    return torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_its_tower_is_the_miniature_clips_up_to_the_second_last_block(untrained):
    seen = untrained.model.get_image_features(pixels(), return_dict=True).pooler_output[0]
    visual = load_clip("miniature").model.visual
    with torch.no_grad():
        before_last = {}
        hook = visual.transformer.resblocks[2].register_forward_hook(
            lambda module, inputs, output: before_last.update(output=output)
        )
        visual(pixels())
        hook.remove()
        expected = untrained.model.multi_modal_projector(before_last["output"][:, 1:])[0]
    torch.testing.assert_close(seen, expected, atol=1e-4, rtol=1e-4)


def test_a_saved_language_model_makes_the_same_host(untrained, tmp_path):
    save_language(untrained, tmp_path)
    again = miniature_llava(tmp_path)
    torch.testing.assert_close(logits(again, pixels()), logits(untrained, pixels()), atol=2e-2, rtol=2e-2)
    torch.manual_seed(4)
    assert not torch.allclose(logits(new_host(), pixels()), logits(untrained, pixels()), atol=2e-2)


def test_a_tower_in_the_folder_takes_the_place_of_the_shipped_one(untrained, tmp_path):
    save_language(untrained, tmp_path)
    own = {name: torch.randn_like(weight) for name, weight in tower_state(untrained).items()}
    assert all(name.startswith(TOWER) for name in own)
    untrained.load_state_dict(own, strict=False)
    shipped = tower_state(miniature_llava(tmp_path))
    save_tower(untrained, tmp_path)
    again = tower_state(miniature_llava(tmp_path))
    assert all(torch.equal(again[name], weight) for name, weight in own.items())
    assert not any(torch.equal(again[name], weight) for name, weight in shipped.items())


def test_save_pretrained_writes_the_whole_host(shipped, tmp_path):
    from transformers import LlavaForConditionalGeneration

    shipped.save_pretrained(tmp_path)
    again = LlavaForConditionalGeneration.from_pretrained(tmp_path)
    assert torch.equal(logits(again, pixels()), logits(shipped, pixels()))


def test_a_patch_of_a_layer_it_reads_changes_it_and_is_taken_back(untrained):
    before = logits(untrained, pixels())
    with patch_of("visual.transformer.resblocks.2.mlp.c_fc.weight").applied(untrained):
        assert not torch.allclose(logits(untrained, pixels()), before, atol=1e-4)
    assert torch.equal(logits(untrained, pixels()), before)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        ("transformer.resblocks.1.mlp.c_fc.weight", "text"),
        ("visual.transformer.resblocks.3.mlp.c_fc.weight", "takes the output of vision block 2"),
        ("visual.proj", "takes the output of vision block 2"),
    ],
)
def test_a_patch_in_the_wrong_tower_or_behind_what_it_reads_is_refused(untrained, layer, reason):
    with pytest.raises(UnreadLayerError, match=reason):
        patch_of(layer).apply_(untrained)


def test_the_tower_is_no_part_of_what_ships():
    from safetensors import safe_open

    with safe_open(WEIGHTS / "language.safetensors", "pt") as file:
        assert not [name for name in file.keys() if "vision_tower" in name]  # noqa: SIM118
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= 3_000_000


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(DataNotFoundError, match="projector and language model"):
        miniature_llava(tmp_path)


def test_it_is_a_host_of_vision_patches(untrained):
    (site,) = live_sites(untrained)
    assert site.tower == "vision"
