import re

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch.utils.flop_counter import FlopCounterMode

from slug_lightning.models import get_layer, vision_tower
from tests.architectures import small_batch, small_model

# Stages, and the stage of one layer within them.
CUT = {
    "RN50": (1 + 5 + 1, "visual.layer2.1.conv2.weight", 3),
    "ViT-B-16-SigLIP": (1 + 2 + 1, "visual.trunk.blocks.1.attn.qkv.weight", 2),
    "EVA02-B-16": (1 + 2 + 1, "visual.trunk.blocks.0.attn.q_proj.weight", 1),
    "PE-Core-B-16": (1 + 2 + 1, "visual.trunk.attn_pool.kv.weight", 3),
    "convnext_base": (1 + 4 + 5 + 1, "visual.trunk.stages.1.downsample.1.weight", 3),
    "convnext_large_d": (1 + 4 + 5 + 1, "visual.head.mlp.fc1.weight", 10),
}
WHOLE = {
    "MobileCLIP-S1": "visual.trunk.final_conv.conv_kxk.0.conv.weight",
    "swin_base_patch4_window7_224": "visual.trunk.layers.2.blocks.1.mlp.fc1.weight",
    "vit_relpos_medium_patch16_cls_224": "visual.trunk.blocks.1.mlp.fc1.weight",
}


@pytest.mark.parametrize("name", list(CUT))
def test_blocks_are_stages(name):
    model, (stages, layer, stage) = small_model(name), CUT[name]
    tower = vision_tower(model)
    get_layer(model, layer)
    assert len(tower.stages) == stages
    assert tower.stage_of(layer) == stage


@pytest.mark.parametrize("name", list(CUT))
def test_every_layer_but_those_of_the_stem_belongs_to_a_stage(name):
    model = small_model(name)
    tower = vision_tower(model)
    stem = {n for n, _ in model.named_parameters() if n.startswith("visual.") and not tower.stage_of(n)}
    parts = r"visual\.(conv|bn)\d\.|visual\.trunk\.(stem|patch_embed|cls_token|pos_embed|norm_pre)\b"
    assert stem
    assert all(re.match(parts, n) for n in stem), stem


@pytest.mark.parametrize("name", list(CUT))
def test_an_edit_of_the_head_spares_the_operations_of_what_comes_before(name):
    model = small_model(name).requires_grad_(False)
    tower, (images, _) = vision_tower(model), small_batch(model)
    last, counts = len(tower.stages) - 1, []
    before = tower.advance(tower.start(images), 0, last)
    for state, first in ((tower.start(images), 0), (before, last)):
        with FlopCounterMode(display=False) as counter:
            tower.finish(state, first)
        counts.append(counter.get_total_flops())
    assert 0 < counts[1] < 0.4 * counts[0]


@pytest.mark.parametrize("name", list(WHOLE))
def test_others_are_run_whole(name):
    model = small_model(name)
    tower = vision_tower(model)
    get_layer(model, WHOLE[name])
    assert len(tower.stages) == 1
    assert tower.stage_of(WHOLE[name]) == 0


def test_a_class_with_a_forward_pass_of_its_own_is_run_whole():
    class Reversed(VisionTransformer):
        def forward_features(self, x, **options):
            return super().forward_features(x.flip(-1), **options)

    model = small_model("ViT-B-16-SigLIP")
    model.visual.trunk.__class__ = Reversed
    images, _ = small_batch(model)
    tower = vision_tower(model)
    assert len(tower.stages) == 1
    with torch.no_grad():
        assert torch.equal(tower(images), model.encode_image(images, normalize=True))


def test_checkpointing_trunks_are_run_whole():
    model = small_model("EVA02-B-16")
    model.set_grad_checkpointing()
    assert len(vision_tower(model).stages) == 1
