"""Scores by prefix and suffix equal scores of a model that was copied and edited for each point."""

import copy

import pytest
import torch

from slug_lightning.functional import class_embeddings
from slug_lightning.models import candidate_layers, get_layer
from slug_lightning.search import Point, PointEvaluator
from tests.helpers import captions, pictures, tiny_clip

MODELS = {
    "clip": {},
    "custom text": {"custom_text": True},
    "resnet": {"vision": {"layers": [1, 1, 1, 1], "width": 8, "head_width": 8}},
}


def setting(**changes):
    model = tiny_clip(**changes)
    generator = torch.Generator().manual_seed(1)
    directions = {
        n: torch.randn(get_layer(model, n).shape, generator=generator) for n in candidate_layers(model)
    }
    prompts = {"identities": captions(6).reshape(6, 1, 12), "imagenet": captions(8, 3).reshape(4, 2, 12)}
    return model, directions, prompts


@torch.no_grad()
def naive(model, point, directions, prompts, images):
    twin = copy.deepcopy(model)
    if point is not None:
        get_layer(twin, point.layer).add_(point.step * directions[point.layer])
    text = twin.encode_text(prompts.flatten(0, 1)).unflatten(0, prompts.shape[:2])
    return twin.encode_image(images, normalize=True) @ class_embeddings(text).T


@pytest.mark.parametrize("kind", list(MODELS))
@pytest.mark.parametrize(("prompts_per_batch", "part"), [(1, 16), (3, 2), (512, 3), (512, 16)])
def test_equals_naive_for_every_layer_and_two_steps(kind, prompts_per_batch, part, monkeypatch):
    monkeypatch.setattr("slug_lightning.search.evaluator.PART", {"vision": part, "text": part})
    model, directions, prompts = setting(**MODELS[kind])
    weights = {n: p.clone() for n, p in model.named_parameters()}
    points = [None, *(Point(n, s) for n in directions for s in (0.01, 0.3))]
    evaluator = PointEvaluator(model, directions, prompts, prompts_per_batch)
    evaluator.prepare(points, ["identities", "imagenet"])
    images = pictures(5)
    for name in prompts:
        seen = []
        for i, scores, _ in evaluator.scores(images, name, key=("batch", 0)):
            expected = naive(model, points[i], directions, prompts[name], images)
            torch.testing.assert_close(scores, expected, rtol=1e-5, atol=2e-6)
            seen.append(i)
        assert sorted(seen) == list(range(len(points)))
    assert all(torch.equal(weights[n], p) for n, p in model.named_parameters())


def test_vision_embeddings_are_those_of_an_edited_copy():
    model, directions, prompts = setting()
    point = Point("visual.transformer.resblocks.1.mlp.c_fc.weight", 0.2)
    evaluator = PointEvaluator(model, directions, prompts)
    evaluator.prepare([point], [])
    ((_, fast),) = evaluator.embeddings(pictures(4))
    twin = copy.deepcopy(model)
    with torch.no_grad():
        get_layer(twin, point.layer).add_(point.step * directions[point.layer])
        expected = twin.encode_image(pictures(4), normalize=True)
    torch.testing.assert_close(fast, expected, rtol=1e-5, atol=1e-6)


def count_calls(module):
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


def test_work_is_prefix_once_and_suffix_per_point():
    model, directions, prompts = setting()
    first = count_calls(model.visual.transformer.resblocks[0])
    last = count_calls(model.visual.transformer.resblocks[2].attn.out_proj)
    points = [Point("visual.transformer.resblocks.2.mlp.c_fc.weight", s) for s in (0.1, 0.2, 0.3)]
    evaluator = PointEvaluator(model, directions, prompts)
    evaluator.prepare(points, ["identities"])
    list(evaluator.scores(pictures(2), "identities"))
    assert len(first) == 1
    assert len(last) == 3


def test_the_unedited_tower_is_encoded_once_for_the_whole_search():
    model, directions, prompts = setting()
    vision = count_calls(model.visual.conv1)
    text = count_calls(model.transformer.resblocks[0])
    evaluator = PointEvaluator(model, directions, prompts)
    for step in (0.1, 0.2, 0.3):  # text edits: images once
        evaluator.prepare([Point("text_projection", step)], ["identities"])
        list(evaluator.scores(pictures(2), "identities", key="first"))
    assert len(vision) == 1
    text.clear()
    for step in (0.1, 0.2):  # vision edits: prompts never again
        evaluator.prepare([Point("visual.proj", step)], ["identities"])
    assert not text


def test_the_original_prompts_share_the_prefix_of_edited_ones():
    model, directions, prompts = setting()
    first, last = (count_calls(model.transformer.resblocks[i].ln_1) for i in (0, 2))
    evaluator = PointEvaluator(model, directions, prompts)
    layer = "transformer.resblocks.2.mlp.c_fc.weight"
    evaluator.prepare([None, Point(layer, 0.1), Point(layer, 0.2)], ["identities"])
    assert (len(first), len(last)) == (1, 3)


def test_memory_bound_is_kept_by_computing_again():
    model, directions, prompts = setting()
    vision = count_calls(model.visual.conv1)
    evaluator = PointEvaluator(model, directions, prompts, cache_bytes=2 * 16 * 4)
    evaluator.prepare([None], ["identities"])
    for _ in range(2):
        for key in ("fits", "does not"):
            list(evaluator.scores(pictures(2), "identities", key=key))
    assert len(vision) == 3


def test_the_model_is_restored_when_the_consumer_fails():
    model, directions, prompts = setting()
    before = model.visual.proj.clone()
    evaluator = PointEvaluator(model, directions, prompts)
    evaluator.prepare([Point("visual.proj", 1.0)], ["identities"])
    for _ in evaluator.scores(pictures(2), "identities"):
        break
    assert torch.equal(model.visual.proj, before)
