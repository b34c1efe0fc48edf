import copy
import json

import pytest
import torch

from slug_lightning.errors import PatchMismatchError
from slug_lightning.hosts import live_sites
from slug_lightning.hosts.conversion import to_transformers
from slug_lightning.patch.checks import check_site, check_tower, check_weight, fingerprint
from tests.helpers import tiny_clip
from tests.hosts.building import noisy


def test_a_fingerprint_accepts_its_own_weights(model):
    header = {"layer": "visual.proj", "base_model": "tiny", "concept": "c"}
    header |= fingerprint(model, "visual.proj", model.visual.proj)
    check_weight(model.visual.proj, torch.ones_like(model.visual.proj), header)
    check_tower(model, header)
    assert set(json.loads(header["base_fingerprint"])) == {"layer", "tower", "other_tower"}


def test_one_flipped_bit_is_seen_in_float32(model):
    header = {"layer": "visual.proj", "base_model": "tiny", "concept": "c"}
    header |= fingerprint(model, "visual.proj", model.visual.proj)
    weight = model.visual.proj.detach().clone()
    weight[3, 3] = torch.nextafter(weight[3, 3], torch.tensor(9.0))
    with pytest.raises(PatchMismatchError, match="is not the one"):
        check_weight(weight, torch.ones_like(weight), header)


HEADER = {"layer": "transformer.resblocks.1.mlp.c_fc.weight", "base_model": "tiny", "concept": "c"}


def described(model):
    weight = dict(model.named_parameters())[HEADER["layer"]]
    return HEADER | {"package_version": "0"} | fingerprint(model, HEADER["layer"], weight)


def text_site(model, dtype=torch.float32):
    return live_sites(to_transformers(model.to(dtype), "CLIPTextModel"))[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_host_without_projection_and_other_tower_is_recognised(dtype):
    model = noisy(tiny_clip())
    header = described(model)
    site = text_site(model, dtype)
    assert check_site(site, header) == []
    with torch.no_grad():
        site.tensors["encoder.layers.0.mlp.fc2.weight"].mul_(1.01)
    with pytest.raises(
        PatchMismatchError, match=r"other weights.*1 layers, first 'transformer\.resblocks\.0\.mlp\.c_proj"
    ):
        check_site(site, header)
    (forced,) = check_site(site, header, force=True)
    assert "differ from 'tiny'" in forced
    assert "--force" not in forced


def test_half_precision_weights_loaded_as_float32_are_recognised():
    model = noisy(tiny_clip())
    header, layer = described(model), HEADER["layer"]
    site = text_site(copy.deepcopy(model).half().float())
    assert check_site(site, header) == []
    weight = site.weight(layer)
    assert check_weight(weight, torch.ones_like(weight), header) == []
    with pytest.raises(PatchMismatchError, match="already applied"):
        check_weight((weight + 1).half().float(), torch.ones_like(weight), header)


def test_one_changed_bit_elsewhere_is_seen_in_a_float32_host():
    model = noisy(tiny_clip())
    header, site = described(model), text_site(model)
    weight = site.tensors["encoder.layers.2.self_attn.v_proj.weight"]
    with torch.no_grad():
        weight[3, 4] = torch.nextafter(weight[3, 4], torch.tensor(9.0))
    with pytest.raises(PatchMismatchError, match="attn.in_proj_weight"):
        check_site(site, header)


def test_another_activation_is_another_model():
    model = noisy(tiny_clip())
    header = described(model)
    quick = tiny_clip(quick_gelu=True)
    quick.load_state_dict(model.state_dict())
    with pytest.raises(
        PatchMismatchError, match="activation is 'quick_gelu' and that of 'tiny' was 'gelu'.*-quickgelu"
    ):
        check_site(text_site(quick), header)
    with pytest.raises(PatchMismatchError, match="activation"):
        check_tower(quick, header)
    assert len(check_tower(quick, header, force=True)) == 1


def test_an_open_clip_model_in_half_precision_is_checked_elsewhere_too():
    model = noisy(tiny_clip())
    header = described(model)
    half = copy.deepcopy(model).half()
    assert check_tower(half, header) == []
    with torch.no_grad():
        half.ln_final.bias.add_(1)
    with pytest.raises(PatchMismatchError, match="first 'ln_final.bias'"):
        check_tower(half, header)


def test_a_patch_of_an_older_version_cannot_be_checked_on_hosts():
    model = noisy(tiny_clip())
    header = {key: value for key, value in described(model).items() if key != "base_tower"}
    with pytest.raises(PatchMismatchError, match="version 0, does not describe the rest of its tower"):
        check_site(text_site(model), header)
    assert len(check_site(text_site(model), header, force=True)) == 1
    assert check_tower(model, header) == []


def test_force_takes_other_weights_but_no_other_shape_and_no_second_time():
    model = noisy(tiny_clip())
    header = described(model)
    weight, update = dict(model.named_parameters())[HEADER["layer"]].detach(), torch.ones(64, 32)
    (forced,) = check_weight(weight * 2, update, header, force=True)
    assert "is not the one the patch was made on" in forced
    with pytest.raises(PatchMismatchError, match="has shape"):
        check_weight(weight[:5], update, header, force=True)
    with pytest.raises(PatchMismatchError, match="already applied"):
        check_weight(weight + update, update, header, force=True)


def test_quantised_and_offloaded_weights_are_refused(model):
    header = described(model)
    for weight, reason in (
        (torch.zeros(64, 32, dtype=torch.uint8), "quantised"),
        (torch.empty(64, 32, device="meta"), "offloaded"),
    ):
        with pytest.raises(PatchMismatchError, match=f"{reason}.*Patch the model first"):
            check_weight(weight, torch.ones(64, 32), header, force=True)
