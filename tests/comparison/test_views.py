from dataclasses import replace

import pytest
import torch

from slug_lightning.comparison.views import Images, distance, take_view
from tests.helpers import captions, pictures, tiny_clip


@pytest.fixture
def images():
    return Images(
        members=[pictures(8, seed=1), pictures(6, seed=2)],
        unseen=[pictures(12, seed=3)],
        final={"forget": [pictures(5, seed=4)], "identities": [pictures(4, seed=5), pictures(3, seed=6)]},
        prompts={"identities": captions(6).reshape(3, 2, 12)},
        classifiers={"forget": "identities", "identities": "identities"},
        concept=1,
    )


def test_classes_are_the_model_s_own_zero_shot_probabilities(images):
    model = tiny_clip()
    view = take_view(model, images)
    heads = model.encode_text(images.prompts["identities"].flatten(0, 1), normalize=True).reshape(3, 2, -1)
    heads = torch.nn.functional.normalize(heads.mean(dim=1), dim=-1)
    encoded = model.encode_image(torch.cat(images.final["identities"]), normalize=True)
    expected = (model.logit_scale.exp() * encoded @ heads.T).softmax(dim=1)
    torch.testing.assert_close(view.classes["identities"], expected, rtol=1e-4, atol=1e-5)
    assert view.classes["forget"].shape == (5, 3)


def test_membership_is_balanced_and_blind_for_a_random_model(images):
    view = take_view(tiny_clip(), images)
    assert view.membership.pairs == 24
    assert 0 <= view.membership.accuracy <= 1


def test_a_model_is_at_no_distance_from_itself_and_at_some_from_another(images):
    one, other = (take_view(tiny_clip(seed), images) for seed in (0, 1))
    assert distance(one.classes, one.classes) == pytest.approx({"concept": 0.0, "rest": 0.0}, abs=1e-6)
    assert min(distance(one.classes, other.classes).values()) > 1e-6


def test_too_few_pairs_for_an_attack_lose_no_other_figure(images):
    view = take_view(tiny_clip(), replace(images, members=[pictures(2, seed=1)]))
    assert view.membership is None
    assert view.classes["forget"].shape == (5, 3)


@pytest.mark.parametrize("other", [{"forget": [[1.0, 0.0]] * 2}, {"forget": [[1.0, 0.0]], "a": [[1.0]]}, {}])
def test_models_that_saw_other_images_are_at_no_distance(other):
    assert distance({"forget": [[1.0, 0.0]]}, other) is None


def test_the_concept_and_the_rest_are_told_apart():
    sure, other = [[1.0, 0.0]], [[0.0, 1.0]]  # as a file has them
    one, two = {"forget": sure, "a": sure, "b": sure}, {"forget": other, "a": other, "b": sure}
    assert distance(one, two) == pytest.approx({"concept": 1.0, "rest": 0.5})
