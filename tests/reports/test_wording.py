import pytest

from slug_lightning.reports.wording import data_size, figures, points, seconds, short_layer, shorten


@pytest.mark.parametrize(
    ("name", "tower", "short"),
    [
        ("visual.transformer.resblocks.11.mlp.c_fc.weight", "vision", "v11.mlp.c_fc"),
        ("transformer.resblocks.0.attn.out_proj.weight", "text", "t0.attn.out_proj"),
        ("text.transformer.resblocks.2.attn.in_proj_weight", "text", "t2.attn.in_proj"),
        ("visual.proj", "vision", "v.proj"),
        ("visual.layer1.0.conv1.weight", "vision", "v.layer1.0.conv1"),
        ("visual.trunk.blocks.5.attn.qkv.weight", "vision", "v5.attn.qkv"),
    ],
)
def test_layer_names_shorten_to_tower_block_and_rest(name, tower, short):
    assert short_layer(name, tower) == short


def test_different_layers_of_one_tower_stay_different():
    names = [
        f"visual.transformer.resblocks.{block}.{kind}"
        for block in range(12)
        for kind in ("attn.in_proj_weight", "attn.out_proj.weight", "mlp.c_fc.weight")
    ]
    assert len({short_layer(name, "vision") for name in names}) == len(names)


def test_data_size_never_shows_a_thousand_of_a_unit():
    for count in (999, 1000, 999_949, 999_950, 10**6, 10**9, 10**15):
        number = float(data_size(count).split("\u00a0")[0])
        assert number < 1000 or count >= 10**15


def test_seconds_carry_into_minutes():
    assert seconds(119.7).replace("\u00a0", " ") == "2 min 0 s"


def test_figures_keep_the_value_within_their_precision():
    for value in (0.00123456, 0.98765, 1.5, 42.42, 123456.0, 8e-9, 3e12):
        assert float(figures(value, 3)) == pytest.approx(value, rel=5e-3)
    assert figures(0) == "0"


def test_a_difference_that_rounds_to_zero_has_no_sign():
    assert points(0.0004) == points(-0.0004) == "0.0"


def test_shorten_leaves_what_fits():
    assert shorten("seven", 5) == "seven"
    assert len(shorten("a" * 50, 12)) == 12
