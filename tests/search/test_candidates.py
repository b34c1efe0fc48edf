import pytest
import torch

from slug_lightning.errors import BadDataError, LayerNotFoundError
from slug_lightning.search.candidates import choose_candidates, score_layers

NAMES = ["visual.proj", "visual.a", "visual.dead", "text_projection", "transformer.b"]


@pytest.fixture
def scores():
    generator = torch.Generator().manual_seed(0)
    forget, retain, weights = ({n: torch.randn(4, 3, generator=generator) for n in NAMES} for _ in range(3))
    forget["visual.dead"].zero_()
    return score_layers(forget, retain, weights)


def test_each_tower_has_its_own_front(scores):
    fronts = {tower: [s for s in scores if s.front and s.tower == tower] for tower in ("vision", "text")}
    assert fronts["vision"]
    assert fronts["text"]
    for tower, front in fronts.items():
        others = [s for s in scores if s.tower == tower and not s.front and s.forget_norm > 0]
        for other in others:
            assert any(f.importance >= other.importance and f.alignment <= other.alignment for f in front)


def test_a_layer_without_forget_gradient_is_never_a_candidate(scores):
    assert not next(s for s in scores if s.layer == "visual.dead").front
    assert "visual.dead" not in [s.layer for s in choose_candidates(scores, "all", ["vision", "text"])]


def test_towers_and_names_narrow(scores):
    assert {s.tower for s in choose_candidates(scores, "all", ["text"])} == {"text"}
    assert [s.layer for s in choose_candidates(scores, ["visual.a"], ["vision"])] == ["visual.a"]


def test_unknown_layer_is_refused(scores):
    with pytest.raises(LayerNotFoundError, match=r"'visual.prj' .* \['visual.proj'"):
        choose_candidates(scores, ["visual.prj"], ["vision"])


def test_layers_outside_the_towers_are_refused(scores):
    with pytest.raises(BadDataError, match="Widen search"):
        choose_candidates(scores, ["visual.a"], ["text"])
