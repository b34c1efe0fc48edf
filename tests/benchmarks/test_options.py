import pytest
import torch

from benchmarks.options import MultiLayer, RetainRemoved
from slug_lightning.unlearning import Gradients
from slug_lightning.unlearning.slug import SLUG
from tests.unlearning.baselines import by_hand, edited


def test_several_layers_by_hand():
    # |a| = 5^.5, |b| = 5. Forget gradient a: (4, 0), b: (3, -4); retain a: (0, 1), b: (0, 0): no alignment.
    # Importance a = 4 / 5^.5 = 1.79, b = 5 / 5 = 1: a first, b second.
    module = by_hand(MultiLayer, (4, 0, 3, -4), (0, 1, 0, 0), layers=2, steps=[0.2])
    for weight in module.network.parameters():
        weight.requires_grad_()
    found = edited(module)
    size = 0.2 * 5**0.5
    assert found["layers 1, relative_step 0.2"] == pytest.approx([1 + size, 2, 3, 4])
    assert found["layers 2, relative_step 0.2"] == pytest.approx([1 + size, 2, 3 + 0.6, 4 - 0.8])


def test_alignment_counts_against_a_layer():
    # The retain gradient of a is along its forget gradient: score 0, so b comes first.
    module = by_hand(MultiLayer, (4, 0, 3, -4), (1, 0, 0, 0), layers=1, steps=[0.2])
    (weights,) = edited(module).values()
    assert weights[:2] == [1.0, 2.0]
    assert weights[2:] == pytest.approx([3.6, 3.2])


def test_saved_gradients_are_not_taken_for_those_of_slug(monkeypatch):
    monkeypatch.setattr(SLUG, "_content_key", lambda self, *roles: " ".join(roles))
    assert RetainRemoved()._content_key("forget", "retain") != SLUG()._content_key("forget", "retain")
    assert RetainRemoved()._content_key("retain") == SLUG()._content_key("retain")  # those are the same


def test_the_direction_has_no_part_along_the_retain_gradient(monkeypatch):
    forget, retain = {"w": torch.randn(3, 3)}, {"w": torch.randn(3, 3)}
    module = RetainRemoved()
    given = Gradients(forget, retain, {}, {})
    monkeypatch.setattr(SLUG, "training_step", lambda self, batch, number: setattr(self, "gradients", given))
    module.training_step({}, 0)
    direction = module.gradients.direction("w")
    assert abs(float((direction * retain["w"]).sum())) < 1e-5
    assert float((direction * forget["w"]).sum()) > 0
