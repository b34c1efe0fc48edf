"""A patch made on an open_clip model does the same wherever that CLIP lives."""

import copy

import pytest
import torch

from slug_lightning.errors import HostError, PatchMismatchError, UnreadLayerError
from slug_lightning.hosts import live_sites
from slug_lightning.hosts.conversion import fill_, to_transformers
from slug_lightning.patch import Patch
from tests.helpers import tiny_clip
from tests.hosts.building import (
    PROMPTS,
    answer,
    complete_pipeline,
    conditioning,
    filled_llava,
    filled_pipeline,
    llava,
    noisy,
    pipeline,
    source_clip,
)
from tests.hosts.published import PIPELINES
from tests.hosts.test_conversion import ARCHITECTURES
from tests.patch.conftest import ABOUT

BLOCK = (
    "attn.in_proj_weight",
    "attn.in_proj_bias",
    "attn.out_proj.weight",
    "mlp.c_fc.weight",
    "mlp.c_proj.weight",
    "mlp.c_proj.bias",
    "ln_1.weight",
    "ln_2.bias",
)
AROUND = (
    "token_embedding.weight",
    "positional_embedding",
    "ln_final.weight",
    "text_projection",
    "visual.proj",
    "visual.conv1.weight",
    "visual.class_embedding",
    "visual.positional_embedding",
    "visual.ln_pre.bias",
    "visual.ln_post.weight",
)
LAYERS = [*AROUND, *(f"{start}transformer.resblocks.1.{name}" for start in ("", "visual.") for name in BLOCK)]


def patch_for(model, layer, step=0.05):
    weight = dict(model.named_parameters())[layer]
    generator = torch.Generator().manual_seed(3)
    direction = (
        torch.randn(weight.shape, generator=generator)
        * weight.detach().float().norm()
        / weight.numel() ** 0.5
    )
    return Patch.create(model, layer, direction, step, ABOUT)


def snapshot(host):
    modules = host.components.values() if hasattr(host, "components") else [host]
    modules = [m for m in modules if isinstance(m, torch.nn.Module)]
    return [weight.detach().clone() for module in modules for weight in module.state_dict().values()]


def same(before, after):
    return all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((name, torch.float32) for name in ARCHITECTURES),
        ("L-like", torch.float16),
        ("H-like", torch.bfloat16),
    ],
)
def test_applying_then_converting_equals_converting_then_applying(name, dtype):
    model = noisy(tiny_clip(**ARCHITECTURES[name]))
    start = "text." if ARCHITECTURES[name].get("custom_text") else ""
    layers = [layer if layer.startswith("visual.") else start + layer for layer in LAYERS]
    patches = [patch_for(model, layer) for layer in layers]
    model = model.to(dtype)
    converted, again = to_transformers(model), to_transformers(model)
    for patch in patches:
        with patch.applied(model):
            for site in live_sites(again):
                fill_(site, model)
        expected = snapshot(again)
        before = snapshot(converted)
        with patch.applied(converted):
            assert same(snapshot(converted), expected), patch.layer
            assert not same(snapshot(converted), before), patch.layer
        assert same(snapshot(converted), before), patch.layer


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, torch.float32) for name in PIPELINES), ("StableDiffusionPipeline", torch.float16)],
)
def test_a_pipeline_is_changed_by_every_encoders_patch_and_restored(name, dtype):
    pipe, bases = filled_pipeline(name)
    for component in bases:
        getattr(pipe, component).to(dtype)
    base, before = conditioning(pipe), snapshot(pipe)
    for component, model in bases.items():
        patch = patch_for(model, "transformer.resblocks.8.attn.in_proj_weight")
        with patch.applied(pipe) as patched:
            assert patched is pipe
            assert not torch.equal(conditioning(pipe), base), component
        assert torch.equal(conditioning(pipe), base)
        assert same(snapshot(pipe), before)


def test_pictures_change_with_the_patch_and_come_back_to_the_last_bit():
    pipe, base = complete_pipeline(), source_clip("StableDiffusionPipeline", "text_encoder")
    fill_(live_sites(pipe)[0], base)

    def pictures():
        generator = torch.Generator().manual_seed(5)
        return pipe(PROMPTS[0], num_inference_steps=2, output_type="np", generator=generator).images

    before = pictures()
    with patch_for(base, "transformer.resblocks.8.mlp.c_fc.weight", 0.5).applied(pipe):
        assert (pictures() != before).any()
    assert (pictures() == before).all()


# What the host reads changes its output; what it does not read cannot, and is refused. The weight is moved by
# hand here, so that the declarations are held against what the host's own code computes.
READINGS = [
    (name, component, layer)
    for name in PIPELINES
    for component in PIPELINES[name]
    for layer in (
        "first",
        "second last",
        "last",
        "ln_final.weight",
        "text_projection",
        "token_embedding.weight",
    )
]


@pytest.mark.parametrize(("name", "component", "layer"), READINGS)
def test_declared_readings_are_what_the_pipelines_compute(name, component, layer):
    pipe = pipeline(name)
    site = next(s for s in live_sites(pipe) if s.place.component == component)
    block = {"first": 0, "second last": site.blocks - 2, "last": site.blocks - 1}.get(layer)
    layer = layer if block is None else f"transformer.resblocks.{block}.mlp.c_fc.weight"
    read = site.place.reading.reads(layer, site.blocks)
    if not site.has(layer):
        assert not read
        return
    assert_declared(lambda: conditioning(pipe), site, layer, read)


@pytest.mark.parametrize(
    "layer",
    [
        "visual.conv1.weight",
        "visual.ln_pre.weight",
        "visual.ln_post.weight",
        *(f"visual.transformer.resblocks.{i}.mlp.c_fc.weight" for i in (0, 21, 22, 23)),
    ],
)
@pytest.mark.parametrize("setting", [-2, [-3, 4], -1])
def test_declared_readings_are_what_llava_computes(layer, setting):
    model = llava(vision_feature_layer=setting)
    (site,) = live_sites(model)
    assert_declared(lambda: answer(model), site, layer, site.place.reading.reads(layer, site.blocks))


def assert_declared(output, site, layer, read):
    base = output()
    with torch.no_grad():
        for piece in site.pieces(layer):
            site.tensors[piece.name].mul_(3)
    assert torch.equal(output(), base) != read


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_llava_is_changed_by_a_vision_patch_and_restored(dtype):
    model, base = filled_llava()
    model = model.to(dtype)
    patch = patch_for(base, "visual.transformer.resblocks.20.attn.in_proj_weight", 0.5)
    logits, before = answer(model), snapshot(model)
    undo = patch.apply_(model)
    assert not torch.equal(answer(model), logits)
    assert undo.forced == ()
    with pytest.raises(PatchMismatchError, match="already applied"):
        patch.apply_(model)
    undo.revert_()
    assert torch.equal(answer(model), logits)
    assert same(snapshot(model), before)


def test_what_llava_does_not_read_is_refused_and_nothing_changes():
    model, base = filled_llava()
    before = snapshot(model)
    for layer in ("visual.proj", "visual.transformer.resblocks.23.mlp.c_fc.weight", "text_projection"):
        with pytest.raises(UnreadLayerError):
            patch_for(base, layer).apply_(model, force=True)
    assert same(snapshot(model), before)


def test_one_file_gives_two_hosts_the_same_embeddings(tmp_path):
    model = noisy(tiny_clip())
    patch_for(model, "text_projection").save(tmp_path / "patch.safetensors")
    patch = Patch.load(tmp_path / "patch.safetensors")
    host = to_transformers(model, "CLIPTextModelWithProjection")
    tokens = torch.tensor([[62, 5, 9, 63, 0, 0]])
    with torch.no_grad(), patch.applied(model), patch.applied(host):
        padded = torch.nn.functional.pad(tokens, (0, 6))
        torch.testing.assert_close(
            host(input_ids=padded).text_embeds, model.encode_text(padded), atol=1e-5, rtol=1e-5
        )


def test_another_base_is_refused_and_force_is_remembered():
    model, other = noisy(tiny_clip()), noisy(tiny_clip(seed=1))
    patch, host = patch_for(model, "visual.proj"), to_transformers(other)
    before = snapshot(host)
    with pytest.raises(PatchMismatchError, match="is not the one the patch was made on"):
        patch.apply_(host)
    assert same(snapshot(host), before)
    undo = patch.apply_(host, force=True)
    assert any("is not the one" in sentence for sentence in undo.forced)
    assert not same(snapshot(host), before)
    undo.revert_()
    assert same(snapshot(host), before)


def test_things_that_are_no_hosts_are_refused():
    patch = patch_for(tiny_clip(), "visual.proj")
    with pytest.raises(HostError, match="Expected an open_clip model"):
        patch.apply_("model")


def test_restored_also_after_an_error_inside():
    model = noisy(tiny_clip())
    host = to_transformers(copy.deepcopy(model), "CLIPTextModel")
    before = snapshot(host)
    with pytest.raises(RuntimeError, match="inside"), patch_for(model, "ln_final.weight").applied(host):
        raise RuntimeError("inside")
    assert same(snapshot(host), before)
