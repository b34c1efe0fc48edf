"""The gradient pass against a plain loop, and what a step along the forget gradient does."""

import json

import pytest
import torch
import torch.nn.functional as F

from slug_lightning.data.captions import names_concept
from slug_lightning.data.shards import iter_pairs
from slug_lightning.errors import BadDataError, NonFiniteError, PatchMismatchError, SettingError
from slug_lightning.functional import alignment, importance
from slug_lightning.models import candidate_layers, get_layer, load_clip
from slug_lightning.reports.report_file import read_report
from slug_lightning.unlearning import SLUG, GradientAccumulator, Gradients
from tests.helpers import fit, words


@pytest.fixture(scope="module")
def clip():
    return load_clip("miniature")


def tensors(clip, pairs):
    images = torch.stack([clip.preprocess(p.image) for p in pairs])
    return images, clip.tokenize([p.caption for p in pairs])


def full_batch_gradient(clip, loss):
    layers = candidate_layers(clip.model)
    return dict(
        zip(layers, torch.autograd.grad(loss, [get_layer(clip.model, n) for n in layers]), strict=True)
    )


def forget_pairs(world):
    return list(iter_pairs(str(world / "forget" / "seven" / "*.tar")))


def forget_loss(clip, pairs):
    images, texts = tensors(clip, pairs)
    return (
        1 - F.cosine_similarity(clip.model.encode_image(images), clip.model.encode_text(texts), dim=-1)
    ).mean()


def test_streamed_forget_gradient_equals_the_full_batch(tiny_run, tiny_world, clip):
    streamed = Gradients.load(tiny_run / "gradients.safetensors")
    pairs = forget_pairs(tiny_world)
    loss = forget_loss(clip, pairs)
    assert streamed.pairs["forget"] == len(pairs)
    assert streamed.losses["forget"] == pytest.approx(float(loss.detach()), rel=1e-5)
    for name, expected in full_batch_gradient(clip, loss).items():
        torch.testing.assert_close(streamed.forget[name], expected, rtol=1e-4, atol=1e-6)


def test_streamed_retain_gradient_equals_a_plain_loop_over_groups(tiny_run, tiny_world, clip):
    streamed = Gradients.load(tiny_run / "gradients.safetensors")
    every = list(iter_pairs(str(tiny_world / "laion" / "*.tar")))
    total, count = 0.0, 0
    for start in range(0, len(every), 64):  # the configuration's group size
        group = [p for p in every[start : start + 64] if not names_concept(p.caption, "seven")]
        images, texts = tensors(clip, group)
        v = F.normalize(clip.model.encode_image(images), dim=-1)
        t = F.normalize(clip.model.encode_text(texts), dim=-1)
        logits, target = clip.model.logit_scale.exp() * v @ t.T, torch.arange(len(group))
        total = total + len(group) * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        count += len(group)
    assert streamed.pairs["retain"] == count
    assert streamed.losses["retain"] == pytest.approx(float(total.detach()) / count, rel=1e-5)
    for name, expected in full_batch_gradient(clip, total / count).items():
        torch.testing.assert_close(streamed.retain[name], expected, rtol=1e-3, atol=1e-6)


def test_batch_size_of_the_forget_pairs_changes_nothing(tiny_run, tiny_world, tmp_path):
    other = fit(tiny_world, tmp_path, "--data.forget_batch_size", "7", "--data.retain_limit", "64")
    one, two = (Gradients.load(run / "gradients.safetensors") for run in (tiny_run, other))
    for name in one.layers:
        torch.testing.assert_close(one.forget[name], two.forget[name], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("tower", ["visual.", "transformer."])
def test_a_small_step_along_the_forget_gradient_pulls_the_forget_pairs_apart(
    tiny_run, tiny_world, clip, tower
):
    """The sign theorem: theta + step * g_f lowers the mean cosine, theta - step * g_f raises it."""
    gradients = Gradients.load(tiny_run / "gradients.safetensors")
    pairs = forget_pairs(tiny_world)
    with torch.no_grad():
        base = float(forget_loss(clip, pairs))
        for name in [n for n in gradients.layers if n.startswith(tower)]:
            weight, direction = get_layer(clip.model, name), gradients.forget[name]
            step = 0.01 * float(weight.norm() / direction.norm())
            saved = weight.clone()
            weight.copy_(saved + step * direction)
            apart = float(forget_loss(clip, pairs))
            weight.copy_(saved - step * direction)
            together = float(forget_loss(clip, pairs))
            weight.copy_(saved)
            assert together < base < apart, name


def test_layers_csv_holds_the_scores_of_these_gradients(tiny_run, clip):
    from slug_lightning.reports.tables import read_layers

    gradients = Gradients.load(tiny_run / "gradients.safetensors")
    rows = {row.layer: row for row in read_layers(tiny_run / "layers.csv")}
    assert list(rows) == candidate_layers(clip.model)
    for name, row in rows.items():
        forget, retain = gradients.forget[name], gradients.retain[name]
        assert row.importance == pytest.approx(importance(forget, get_layer(clip.model, name)), rel=1e-5)
        assert row.alignment == pytest.approx(alignment(forget, retain), rel=1e-4, abs=1e-6)


def test_gradients_say_what_they_are(tiny_run):
    header = Gradients.load(tiny_run / "gradients.safetensors").header
    assert header["concept"] == "seven"
    assert header["base_model"] == "miniature"
    assert header["seed"] == "0"
    assert set(json.loads(header["base_fingerprint"])) == {"vision", "text"}
    assert set(json.loads(header["data"])) == {"forget", "retain"}


def test_gradients_of_other_weights_or_layers_are_refused(tiny_run):
    gradients = Gradients.load(tiny_run / "gradients.safetensors")
    other = SLUG()
    with torch.no_grad():
        other.load().model.visual.proj[0, 0] += 1
    with pytest.raises(PatchMismatchError, match="other weights"):
        other.use_gradients(gradients, "seven")
    wider = SLUG(exclude="published")
    with pytest.raises(SettingError, match="lack .* candidate layers"):
        wider.use_gradients(gradients, "seven")
    with pytest.raises(SettingError, match="concept 'seven', but data.concept is 'three'"):
        SLUG().use_gradients(gradients, "three")


def test_no_gradient_is_kept_on_the_parameters_and_weights_stay(tiny_world, tmp_path, clip):
    from slug_lightning.cli.lightning import build

    cli = build(words(tiny_world, tmp_path, "--data.retain_limit", "64"))
    assert all(p.grad is None for p in cli.model.network.parameters())
    for name, weight in clip.model.named_parameters():
        assert torch.equal(weight, dict(cli.model.network.named_parameters())[name]), name


def test_a_non_finite_gradient_names_layer_and_batch(tiny_world, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "slug_lightning.unlearning.forget_loss.pair_cosine_loss", lambda v, t: (v * t).sum() * float("inf")
    )
    with pytest.raises(
        NonFiniteError, match=r"forget gradient of layer '.*' is NaN or infinite in forget batch 0"
    ):
        from slug_lightning.cli.lightning import build

        build(words(tiny_world, tmp_path))


def test_an_empty_role_is_refused(tiny_world, tmp_path):
    from slug_lightning.cli.lightning import build

    aliases = [f"--data.aliases+={word}" for word in ("a", "the", "in", "of")]
    everything = ["--data.retain_shards", "forget/seven/*.tar"]
    with pytest.raises(BadDataError, match="at least one retain pair"):
        build(words(tiny_world, tmp_path, *everything, *aliases))


def worst_deviation(one, other):
    """Largest relative error of a layer's mean gradient, over both roles."""
    pairs = [(getattr(one, r)[n], getattr(other, r)[n]) for r in ("forget", "retain") for n in one.layers]
    return max(float((b - a).norm() / a.norm()) for a, b in pairs)


def test_bfloat16_gradients_are_those_of_float32_within_its_rounding(tiny_world, tmp_path):
    some = ["--data.retain_limit", "128", "--model.search.evaluations", "1"]
    runs = [
        fit(tiny_world, tmp_path / precision, *some, "--trainer.precision", precision, status=None)
        for precision in ("32-true", "bf16-mixed")
    ]
    full, half = (Gradients.load(run / "gradients.safetensors") for run in runs)
    assert half.forget["visual.proj"].dtype == torch.float32
    assert 0 < worst_deviation(full, half) < 0.03  # bfloat16 rounds by up to 0.4 %, once an operation


def test_float16_with_its_loss_scale_is_closer_still(tiny_world, clip):
    """What 16-mixed does on an accelerator; Lightning turns it into bf16-mixed on a CPU."""
    images, texts = tensors(clip, forget_pairs(tiny_world)[:32])
    found = []
    for half, scale in ((False, 1.0), (True, 1024.0)):
        module = SLUG()
        module.load()
        module.network = module.clip.model
        accumulator = GradientAccumulator(
            {n: w for n, w in module.network.named_parameters() if w.requires_grad}
        )
        for role in ("forget", "retain"):
            with torch.autocast("cpu", torch.float16, enabled=half):
                loss = module.loss_sum({"image": images, "text": texts, "role": role, "sizes": [16, 16]})
            accumulator.backward(role, loss, len(images), "batch 0", scale)
        found.append(accumulator.finish())
    assert 0 < worst_deviation(*found) < 0.005


def test_several_groups_in_one_batch_give_the_same_gradients(tiny_run, tiny_world, tmp_path):
    together = fit(tiny_world, tmp_path, "--data.groups_per_batch", "3")
    one, other = (Gradients.load(run / "gradients.safetensors") for run in (tiny_run, together))
    assert one.pairs == other.pairs
    assert one.losses == pytest.approx(other.losses, rel=1e-6)
    assert worst_deviation(one, other) < 1e-5


def test_a_host_leaves_the_layers_that_it_reads():
    module = SLUG(host="llava")
    module.load()
    layers = list(module.candidates())
    blocks = {name.split("resblocks.")[1][0] for name in layers if "resblocks" in name}
    assert blocks == {"0", "1", "2"}  # of four
    assert all(name.startswith("visual.") for name in layers)
    assert "visual.proj" not in layers
    with pytest.raises(SettingError, match="none of 1 is"):
        SLUG(host="stable-diffusion-1", include=["visual.proj"]).load()


@pytest.mark.slow
def test_the_search_with_attacks_in_the_loop_goes_further(tiny_run, tiny_world, tmp_path):
    """A margin, or further wordings that must not be recognised either, ask for no smaller a step."""
    layer = read_report(tiny_run / "report.json")["layer"]
    saved = ["--gradients", str(tiny_run / "gradients.safetensors")]
    saved += ["--model.search.layers", json.dumps([layer])]
    options = {
        "search": [],
        "search, margin 0.1": ["--model.search.margin", "0.1"],
        "search, 2 further wordings": ["--model.search.wordings", '["a photo of a {}.", "a handwritten {}"]'],
    }
    reports = {
        name: read_report(
            fit(tiny_world, tmp_path / str(i), *saved, *own, command="validate") / "report.json"
        )
        for i, (name, own) in enumerate(options.items())
    }
    assert {name: report["criterion"]["measured_on"] for name, report in reports.items()} == {
        name: name for name in options
    }
    plain, margin, wordings = reports.values()
    assert margin["step"] > plain["step"]
    assert wordings["step"] >= plain["step"]
    befores = [report["metrics"]["forget/top1"]["before"] for report in reports.values()]
    assert befores == [befores[0]] * 3


def test_a_host_does_not_answer_to_wordings(tiny_world, tmp_path):
    from slug_lightning.cli.lightning import build

    host = ["--model.host_metric", "tests.hosts.nearest_states.NearestStates"]
    with pytest.raises(
        SettingError, match="Expected search.wordings and search.margin without model.host_metric"
    ):
        build(words(tiny_world, tmp_path, *host, "--model.search.margin", "0.1"))


def test_gradients_through_patch_tokens_are_other_gradients_and_say_so(tiny_world, tmp_path):
    """Losses are the same, since embeddings are; files and keys are not mixed up."""
    quick = ["--model.host", "llava", "--data.retain_limit", "64", "--model.search.evaluations", "1"]
    runs = [
        fit(tiny_world, tmp_path / name, *quick, "--model.gradient_through", name, status=None)
        for name in ("all", "patch_tokens")
    ]
    whole, patches = (Gradients.load(run / "gradients.safetensors") for run in runs)
    assert whole.losses == pytest.approx(patches.losses, rel=1e-6)
    assert whole.header["retain_key"] != patches.header["retain_key"]
    assert "class token fixed" in patches.header["direction"]
    assert "class token" not in whole.header["direction"]
    name = "visual.transformer.resblocks.2.mlp.c_proj.weight"
    for role in ("forget", "retain"):
        assert alignment(getattr(whole, role)[name], getattr(patches, role)[name]) < 0.99
