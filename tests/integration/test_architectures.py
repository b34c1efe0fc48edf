"""Architectures of open_clip, small and random, through everything a run does to a model."""

import copy
import json

import open_clip
import pytest
import torch
from open_clip.loss import ClipLoss, SigLipLoss

from slug_lightning.functional import class_embeddings
from slug_lightning.models import (
    Clip,
    candidate_layers,
    get_layer,
    load_clip,
    text_tower,
    tower_of,
    vision_tower,
)
from slug_lightning.patch import Patch
from slug_lightning.search import Point, PointEvaluator
from slug_lightning.search.candidates import score_layers
from slug_lightning.unlearning import SLUG, GradientAccumulator
from tests.architectures import small_batch, small_model, small_timm, write_folder
from tests.helpers import fit
from tests.patch.conftest import ABOUT

# One of each kind; `-m slow` takes every name.
KINDS = (
    "ViT-B-32-quickgelu",
    "ViT-L-14",
    "ViT-H-14",
    "ViT-bigG-14-CLIPA",
    "ViT-bigG-14-worldwide",
    "ViT-L-14-worldwide",
    "ViT-M-16-alt",
    "RN50",
    "EVA01-g-14",
    "EVA02-B-16",
    "PE-Core-B-16",
    "ViT-B-16-SigLIP",
    "ViT-SO400M-16-SigLIP-i18n-256",
    "MobileCLIP2-L-14",
    "MobileCLIP2-S0",
    "convnext_base_w",
    "convnext_large_d",
    "swin_base_patch4_window7_224",
    "vit_medium_patch16_gap_256",
    "vit_relpos_medium_patch16_cls_224",
    "coca_ViT-B-32",
    "coca_base",
    "roberta-ViT-B-32",
    "mt5-base-ViT-B-32",
    "nllb-clip-base-siglip",
)
slow = [pytest.param(n, marks=pytest.mark.slow) for n in open_clip.list_models() if n not in KINDS]


@pytest.fixture(scope="module", params=[*KINDS, *slow])
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name, tmp_path_factory):
    return small_model(name, tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def batch(model):
    return small_batch(model)


@torch.no_grad()
def test_stages_equal_the_model_bit_for_bit(model, batch):
    images, tokens = batch
    vision, text = vision_tower(model), text_tower(model)
    assert torch.equal(vision(images), model.encode_image(images, normalize=True))
    whole = model.encode_text(tokens, normalize=True)
    assert torch.equal(text.finish(text.start(tokens), 0), whole)
    torch.testing.assert_close(text(tokens), whole, rtol=1e-5, atol=2e-6)  # without padding


@torch.no_grad()
def test_embeddings_depend_on_their_input(model, batch):
    """So that the equalities here say something."""
    for tower, inputs in zip((vision_tower(model), text_tower(model)), batch, strict=True):
        assert (tower(inputs)[0] - tower(inputs)[1]).abs().max() > 1e-4


def test_candidates_are_matrices_that_reach_the_loss(model, batch, monkeypatch):
    """Gradients of the module's own losses against open_clip's losses on whole encodings; then scores."""
    layers = candidate_layers(model)
    assert all(sum(n > 1 for n in get_layer(model, layer).shape) >= 2 for layer in layers)
    monkeypatch.setattr(
        "slug_lightning.unlearning.base.load_clip", lambda *_: Clip(model, None, None, "small")
    )
    module = SLUG()
    module.load()
    weights = module.candidates()
    assert list(weights) == layers
    accumulator = GradientAccumulator(weights)
    images, tokens = batch
    for role, sizes in (("forget", None), ("retain", [3, 1])):
        loss = module.loss_sum({"image": images, "text": tokens, "role": role, "sizes": sizes})
        accumulator.backward(role, loss, 4, "batch 0")
    gradients = accumulator.finish()
    for role, reference in (("forget", forget_reference), ("retain", retain_reference)):
        expected = torch.autograd.grad(reference(model, images, tokens), list(weights.values()))
        for layer, gradient in zip(layers, expected, strict=True):
            ours = getattr(gradients, role)[layer]
            torch.testing.assert_close(
                ours, gradient, rtol=2e-3, atol=2e-6 + 1e-4 * float(gradient.abs().max())
            )
            assert gradient.any(), (role, layer)
    scores = score_layers(gradients.forget, gradients.retain, {n: w.detach() for n, w in weights.items()})
    assert {s.tower for s in scores if s.front} == {"vision", "text"}
    assert all(s.importance > 0 and 0 <= s.alignment <= 1 for s in scores)
    model.requires_grad_(True)


def forget_reference(model, images, tokens):
    image, text = model.encode_image(images, normalize=True), model.encode_text(tokens, normalize=True)
    return (1 - (image * text).sum(-1)).mean()


def retain_reference(model, images, tokens):
    """open_clip's own loss of each group, weighted by pairs."""
    total, scale = 0, model.logit_scale.exp()
    for part in (slice(0, 3), slice(3, 4)):
        image = model.encode_image(images, normalize=True)[part]
        text = model.encode_text(tokens, normalize=True)[part]
        if model.logit_bias is None:
            loss = ClipLoss()(image, text, scale)
        else:
            loss = SigLipLoss()(image, text, scale, model.logit_bias)
        total = total + len(image) * loss
    return total / 4


@torch.no_grad()
def test_every_layer_by_prefix_and_suffix_equals_a_copied_and_edited_model(model, batch):
    images, tokens = batch
    layers = candidate_layers(model)
    generator = torch.Generator().manual_seed(1)
    directions = {n: torch.randn(get_layer(model, n).shape, generator=generator) for n in layers}
    points = [None, *(Point(n, 0.3 * float(get_layer(model, n).std())) for n in layers)]
    evaluator = PointEvaluator(model, directions, {"identities": tokens[:, None]})
    evaluator.prepare(points, ["identities"])
    found = {i: (e, evaluator.classifier(i, "identities")) for i, e in evaluator.embeddings(images)}
    twin, base = copy.deepcopy(model), {}
    for i, point in enumerate(points):
        edited = "neither" if point is None else tower_of(point.layer)
        if point is not None:
            get_layer(twin, point.layer).add_(point.step * directions[point.layer])
        if edited != "text" or not base:
            image = twin.encode_image(images, normalize=True)
        if edited != "vision" or not base:
            text = class_embeddings(twin.encode_text(tokens, normalize=True)[:, None])
        base = base or {"vision": image, "text": text}
        image, text = (
            (base["vision"] if edited == "text" else image),
            (base["text"] if edited == "vision" else text),
        )
        torch.testing.assert_close(found[i][0], image, rtol=1e-4, atol=5e-6)
        torch.testing.assert_close(found[i][1], text, rtol=1e-4, atol=5e-6)
        if point is not None:
            changed = image if edited == "vision" else text
            assert (changed - base[edited]).abs().max() > 1e-6, point  # so that the equality says something
            get_layer(twin, point.layer).copy_(get_layer(model, point.layer))


@torch.no_grad()
def test_a_patch_goes_round(model, batch, tmp_path):
    encode = {"vision": (model.encode_image, batch[0]), "text": (model.encode_text, batch[1])}
    for tower, (run, inputs) in encode.items():
        layer = [n for n in candidate_layers(model) if tower_of(n) == tower][-1]
        weight = get_layer(model, layer)
        original, before = weight.clone(), run(inputs)
        made = Patch.create(model, layer, torch.randn_like(weight), 0.3 * float(weight.std()), ABOUT)
        made.save(tmp_path / "patch.safetensors")
        read = Patch.load(tmp_path / "patch.safetensors")
        assert (read.layer, read.tower, read.header["base_model"]) == (layer, tower, ABOUT["base_model"])
        with read.applied(model):
            assert not torch.equal(run(inputs), before)
        undo = read.apply_(model)
        torch.testing.assert_close(weight, original + made.update, rtol=0, atol=0)
        undo.revert_()
        assert torch.equal(weight, original)
        assert torch.equal(run(inputs), before)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RN50", "EVA02-B-16", "coca_ViT-B-32"])
def test_a_whole_run_names_its_base_and_leaves_it_in_evaluation_mode(kind, tiny_world, tmp_path, monkeypatch):
    """Statistics of batch normalisation and random depth would move if Lightning trained the network."""
    (tmp_path / "model").mkdir()
    base, seen = f"local-dir:{write_folder(tmp_path / 'model', kind)}", []

    def load(*_):
        seen.append(load_clip(base))
        return seen[0]

    monkeypatch.setattr("slug_lightning.unlearning.base.load_clip", load)
    few = ("--data.retain_limit", "64", "--model.search.evaluations", "2")
    with small_timm():
        run = fit(tiny_world, tmp_path, "--model.model", base, *few, status=None)
        fresh = load_clip(base)
    assert not any(module.training for module in seen[0].model.modules())
    for name, value in seen[0].model.state_dict().items():
        assert torch.equal(value, fresh.model.state_dict()[name]), name
    assert json.loads((run / "report.json").read_text())["base_model"] == base
    assert Patch.load(run / "patch.safetensors").header["base_model"] == base
