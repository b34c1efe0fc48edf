import inspect

import pytest
import torch

from slug_lightning.errors import ConceptNotFoundError, SettingError
from slug_lightning.hosts import ImageCounts, Sampling
from slug_lightning.hosts.host_attacks import abilities
from slug_lightning.miniature.diffusion import host_metric as module
from slug_lightning.miniature.diffusion.classifiers import LABELS
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.host_metric import MiniatureImages, PictureJudge
from slug_lightning.miniature.diffusion.pipeline import WEIGHTS
from slug_lightning.miniature.diffusion.without import save_whole
from slug_lightning.miniature.layouts import names_of


def test_the_judges_know_drawings_whatever_the_order_of_the_names():
    drawings = draw_part("final", seed=5, limit=5)
    pixels = drawings.pixels(torch.arange(len(drawings)))
    found = PictureJudge("digit").recognise(pixels, names_of("digits"))
    assert float((found == drawings.digits).float().mean()) > 0.9
    assert torch.equal(PictureJudge("digit").recognise(pixels, names_of("digits")[::-1]), 9 - found)


def test_names_that_a_judge_never_learned_are_refused():
    with pytest.raises(SettingError, match=r"names \['zero', .* but got \['cat'\]"):
        PictureJudge("digit").recognise(torch.zeros(1, 3, 32, 32), ["cat"])


def test_it_draws_digits_in_styles():
    metric = MiniatureImages(search=ImageCounts(2, 3), sampling=Sampling(4, 5.0, 100))
    metric.load()
    assert metric.retained("seven") == ["digit", "style"]
    assert set(metric.prompts.names) == set(LABELS)
    found = metric.measure("seven", ["forget", "style"], "search")
    assert (found["forget"].n, found["style"].n) == (2, 3)
    assert found["style"].value >= 2 / 3
    assert {example.row for example in metric.examples()} >= {"seven"}
    with pytest.raises(ConceptNotFoundError, match=r"'chalk' is in none. Closest names: \['chalk drawing'"):
        metric.retained("chalk")


def test_the_weights_can_be_in_half_precision():
    host = MiniatureImages(sampling=Sampling(4, 5.0, 100, "bfloat16")).load()
    assert {part.dtype for part in (host.unet, host.vae, host.text_encoder)} == {torch.bfloat16}


def test_everything_but_probing_can_be_attacked():
    assert abilities(MiniatureImages()) == ("gold", "reworded", "lessons", "confusion", "example_losses")


def test_a_whole_pipeline_is_read_as_a_gold_standard_and_asked_the_same(tmp_path):
    metric = MiniatureImages(final=ImageCounts(2, 9), sampling=Sampling(3, 5.0, 100))
    save_whole(metric.load(), tmp_path)
    gold = metric.gold(tmp_path)
    assert gold.load() is not metric.load()
    assert gold.measure("seven", ["forget", "digit"], "final") == metric.measure(
        "seven", ["forget", "digit"], "final"
    )
    assert torch.equal(gold._last[0].images, metric._last[0].images)
    with torch.no_grad():
        gold.load().unet.conv_out.weight.zero_()
    assert gold.measure("seven", ["style"], "final") != metric.measure("seven", ["style"], "final")


def test_lessons_and_losses_are_of_its_own_pipeline(monkeypatch):
    metric, asked = MiniatureImages(), []
    monkeypatch.setattr(module, "lessons", lambda *given: asked.append(given) or iter(()))
    monkeypatch.setattr(module, "example_losses", lambda *given: asked.append(given))
    list(metric.lessons("seven", 4, 8, 1))
    metric.example_losses("seven", False)
    assert asked == [(metric.load(), "seven", 4, 8, 1), (metric.load(), "seven", False)]


def test_the_default_names_no_path_of_this_machine():
    assert inspect.signature(MiniatureImages).parameters["folder"].default is None
    assert MiniatureImages().folder == WEIGHTS
