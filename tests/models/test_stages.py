import pytest
import torch

from slug_lightning.models.stages import Stage, State, Tower, each, trim_tokens


def test_layers_belong_to_the_stage_that_names_them():
    stage = Stage(lambda s: s, ("visual.proj", "visual.head."))
    assert stage.uses("visual.proj")
    assert stage.uses("visual.head.proj.weight")
    assert not stage.uses("visual.proj.weight")
    assert not stage.uses("visual.headless.weight")


def test_a_layer_of_several_stages_counts_for_the_first_and_an_unknown_one_for_the_stem():
    """Running more than needed is slow; running less would be wrong."""
    tower = Tower("vision", (Stage(lambda s: s), Stage(lambda s: s, ("a",)), Stage(lambda s: s, ("a", "b"))))
    assert [tower.stage_of(layer) for layer in ("a", "b", "c")] == [1, 2, 0]


def test_a_module_becomes_one_stage_per_child_and_passes_the_rest_on():
    double = torch.nn.Linear(2, 2, bias=False)
    torch.nn.init.constant_(double.weight, 1.0)
    (first, second) = each(torch.nn.Sequential(double, torch.nn.ReLU()), "blocks.")
    assert (first.layers, second.layers) == (("blocks.0.",), ("blocks.1.",))
    state = State(torch.tensor([[1.0, 2.0]]), torch.tensor([[7]]), torch.tensor([5]))
    after = second(first(state))
    assert after.value.tolist() == [[3.0, 3.0]]
    assert after.tokens is state.tokens
    assert after.aside is state.aside


@pytest.mark.parametrize("count", [0, 2])
def test_trimming_keeps_rows_and_the_longest_caption(count):
    tokens = torch.tensor([[8, 1, 9, 0, 0], [8, 9, 0, 0, 0]])[:count]
    assert trim_tokens(tokens).shape == (count, 3 if count else 5)
