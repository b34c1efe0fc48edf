import pytest
import torch

from slug_lightning.errors import LayerNotFoundError
from slug_lightning.hosts.spelling import (
    block_of,
    canonical_layers,
    count_blocks,
    gather,
    has_spelling,
    is_final_norm,
    is_projection,
    plain_name,
    spell,
    split,
)
from tests.helpers import tiny_clip


def host_names(layers, trunk):
    return [piece.name for layer in layers for piece in spell(layer, trunk)]


def test_every_parameter_of_open_clip_has_one_spelling_and_no_two_share_one():
    names = [name for name, _ in tiny_clip().named_parameters()]
    spelled = host_names(names, "")
    text = [n for n in names if not n.startswith("visual.")]
    vision = [n for n in names if n.startswith("visual.")]
    assert len(set(host_names(text, "t.") + host_names(vision, "v."))) == len(spelled)
    assert set(names) == {*canonical_layers("text", 3), *canonical_layers("vision", 3), "logit_scale"}


def test_the_names_are_exactly_those_of_transformers():
    import transformers

    size = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2}
    config = transformers.CLIPConfig(text_config=size, vision_config=size)
    known = {name for name, _ in transformers.CLIPModel(config).named_parameters()}
    ours = host_names(canonical_layers("text", 3), "text_model.")
    ours += host_names(canonical_layers("vision", 3), "vision_model.")
    assert {*ours, "logit_scale"} == known


@pytest.mark.parametrize(
    "layer",
    [
        "transformer.resblocks.1.attn.in_proj_weight",
        "text_projection",
        "visual.conv1.weight",
        "visual.transformer.resblocks.0.attn.in_proj_bias",
    ],
)
def test_splitting_and_gathering_are_inverse_bit_for_bit(layer):
    weight = dict(tiny_clip().named_parameters())[layer].detach()
    pieces = spell(layer)
    parts = split(weight, pieces)
    assert all(part.is_contiguous() for part in parts.values())
    assert torch.equal(gather(pieces, parts.__getitem__), weight)


def test_query_key_and_value_keep_their_order():
    pieces = spell("visual.transformer.resblocks.0.attn.in_proj_weight")
    parts = list(split(torch.arange(6.0).reshape(6, 1), pieces).items())
    assert [name.split(".")[-2] for name, _ in parts] == ["q_proj", "k_proj", "v_proj"]
    assert [part.flatten().tolist() for _, part in parts] == [[0, 1], [2, 3], [4, 5]]


def test_what_a_name_says():
    layer = "text.transformer.resblocks.10.mlp.c_fc.weight"
    assert plain_name(layer) == "transformer.resblocks.10.mlp.c_fc.weight"
    assert spell(layer) == spell(plain_name(layer))
    assert (block_of(layer), block_of("text_projection")) == (10, None)
    assert is_projection("text.text_projection")
    assert is_projection("visual.proj")
    assert not is_projection(layer)
    assert is_final_norm("visual.ln_post.bias")
    assert is_final_norm("ln_final.weight")
    assert not is_final_norm("visual.ln_pre.weight")


def test_a_layer_without_counterpart_is_named_with_its_closest():
    with pytest.raises(
        LayerNotFoundError, match=r"no counterpart.*Closest: \['visual\.transformer\.resblocks\.7\.mlp"
    ):
        spell("visual.transformer.resblocks.7.mlp.c_fcc.weight")
    assert not has_spelling("visual.layer1.0.conv1.weight")
    assert has_spelling("visual.class_embedding")


def test_blocks_are_counted_under_their_trunk_only():
    names = {f"a.encoder.layers.{i}.self_attn.q_proj.weight": None for i in range(12)}
    assert count_blocks(names, "a.") == 12
    assert count_blocks(names, "") == 0
