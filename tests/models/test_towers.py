from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from slug_lightning.models import candidate_layers, get_layer, text_tower, tower_of, vision_tower
from slug_lightning.models.stages import trim_tokens
from tests.helpers import captions, pictures, tiny_clip

VARIANTS = {
    "clip": {},
    "custom text": {"custom_text": True},
    "average pool": {"vision": {"pool_type": "avg", "final_ln_after_pool": True}},
    "quick gelu": {"quick_gelu": True},
    "attention pool": {
        "vision": {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 4}
    },
    "linear text projection": {"custom_text": True, "text": {"proj_type": "linear", "proj_bias": True}},
    "cls token in text": {"custom_text": True, "text": {"embed_cls": True}},
    "end of text by its id": {"text": {"pool_type": "eos", "eos_id": 63}},
    "no causal mask (not trimmed)": {
        "custom_text": True,
        "text": {"no_causal_mask": True, "pool_type": "last"},
    },
}


@pytest.fixture(params=list(VARIANTS))
def model(request):
    return tiny_clip(**VARIANTS[request.param])


@torch.no_grad()
def test_whole_towers_equal_the_model(model):
    images, tokens = pictures(4), captions(5)
    assert torch.equal(vision_tower(model)(images), model.encode_image(images, normalize=True))
    torch.testing.assert_close(
        text_tower(model)(tokens), model.encode_text(tokens, normalize=True), rtol=1e-5, atol=1e-6
    )


def test_captions_encoded_by_length_have_the_same_embeddings_and_gradients(model):
    tokens, tower = captions(23), text_tower(model)
    weights = [get_layer(model, name) for name in candidate_layers(model) if tower_of(name) == "text"]
    results = []
    for encode in (tower, lambda t: tower.by_length(t, parts=4, least=3)):
        embeddings = encode(tokens)
        loss = (embeddings * torch.arange(embeddings.numel()).view_as(embeddings).cos()).sum()
        results.append([embeddings, *torch.autograd.grad(loss, weights)])
    for whole, parts in zip(*results, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5)


def test_pooling_before_the_last_block_has_the_same_embeddings_and_gradients(model):
    inputs = {"vision": (vision_tower(model), pictures(4)), "text": (text_tower(model), captions(5))}
    for name, (tower, batch) in inputs.items():
        weights = [get_layer(model, layer) for layer in candidate_layers(model) if tower_of(layer) == name]
        results = []
        for encode in (tower, tower.pooled):
            embeddings = encode(batch)
            loss = (embeddings * torch.arange(embeddings.numel()).view_as(embeddings).cos()).sum()
            results.append([embeddings, *torch.autograd.grad(loss, weights)])
        for whole, spared in zip(*results, strict=True):
            torch.testing.assert_close(spared, whole, rtol=1e-4, atol=1e-5)


def test_pooling_before_the_last_block_spares_operations():
    model = tiny_clip()
    for tower, batch in ((vision_tower(model), pictures(4)), (text_tower(model), captions(5))):
        counts = []
        for encode in (tower, tower.pooled):
            with FlopCounterMode(display=False) as counter:
                encode(batch)
            counts.append(counter.get_total_flops())
        assert counts[1] < 0.85 * counts[0]  # three blocks, one of them mostly spared


def test_captions_by_length_need_fewer_tokens():
    tower, seen = text_tower(tiny_clip()), []
    counting = replace(tower, stages=(lambda s: seen.append(s.value.numel()) or s, *tower.stages))
    counting(captions(64, longest=9))
    whole = sum(seen)
    seen.clear()
    counting.by_length(captions(64, longest=9))
    assert len(seen) == 4
    assert sum(seen) < 0.85 * whole


@torch.no_grad()
def test_prefix_and_suffix_equal_the_edited_model_for_every_layer(model):
    inputs = {"vision": pictures(4), "text": captions(5)}
    towers = {"vision": vision_tower(model), "text": text_tower(model)}
    encode = {"vision": model.encode_image, "text": model.encode_text}
    for layer in [*candidate_layers(model), "visual.conv1.weight"]:
        name = tower_of(layer)
        tower, weight = towers[name], get_layer(model, layer)
        stage = tower.stage_of(layer)
        before = tower.advance(tower.start(inputs[name]), 0, stage)
        original, saved = encode[name](inputs[name], normalize=True), weight.clone()
        weight.add_(torch.randn_like(weight))
        edited = encode[name](inputs[name], normalize=True)
        assert torch.equal(tower.finish(before, stage), edited), layer
        assert not torch.equal(edited, original), layer  # so that the equality says something
        weight.copy_(saved)


def test_stages_of_layers():
    model = tiny_clip()
    vision, text = vision_tower(model), text_tower(model)
    assert vision.stage_of("visual.conv1.weight") == 0
    assert vision.stage_of("visual.transformer.resblocks.2.mlp.c_fc.weight") == 3
    assert vision.stage_of("visual.proj") == len(vision.stages) - 1 == 4
    assert text.stage_of("token_embedding.weight") == 0
    assert text.stage_of("transformer.resblocks.0.attn.in_proj_weight") == 1
    assert text.stage_of("text_projection") == 4


def test_ten_and_more_blocks_are_told_apart():
    model = tiny_clip(vision={"layers": 12})
    assert vision_tower(model).stage_of("visual.transformer.resblocks.1.ln_1.weight") == 2
    assert vision_tower(model).stage_of("visual.transformer.resblocks.11.ln_1.weight") == 12


def test_text_that_cannot_be_cut_is_one_stage():
    model = tiny_clip()
    model.transformer.grad_checkpointing = True
    tower = text_tower(model)
    assert len(tower.stages) == 1
    assert tower.stage_of("transformer.resblocks.1.mlp.c_fc.weight") == 0


@torch.no_grad()
def test_padding_is_cut_after_the_end_of_text_that_the_model_looks_for():
    """An end of text that is not the highest id: cutting after the highest would cut the caption."""
    model, tokens = tiny_clip(text={"pool_type": "eos", "eos_id": 2}), captions(6, longest=4)
    tokens[tokens == 63] = 2
    tower = text_tower(model)
    assert tower.trimmed(tokens).shape[1] == int((tokens == 2).int().argmax(-1).max()) + 1 < tokens.shape[1]
    assert trim_tokens(tokens).shape[1] == 1  # ids begin with the highest
    whole = model.encode_text(tokens, normalize=True)
    torch.testing.assert_close(tower(tokens), whole, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(tower.by_length(tokens, least=2), whole, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_trimmed_captions_give_the_same_embedding():
    model, tokens = tiny_clip(), captions(6, longest=4)
    assert trim_tokens(tokens).shape[1] < tokens.shape[1]
    torch.testing.assert_close(
        text_tower(model)(tokens), model.encode_text(tokens, normalize=True), rtol=1e-6, atol=1e-6
    )
