"""On a pipeline that paints what the text encoder's states say, and a judge that reads the paint."""

from types import SimpleNamespace

import pytest
import torch

from slug_lightning.errors import ModelNotFoundError, SettingError
from slug_lightning.hosts import GeneratedImages, ImageCounts, ImageJudge, Sampling
from slug_lightning.metrics import Accuracy

NAMES = {"style": ["ink", "chalk", "neon"], "digit": ["one", "two"]}


class Painter:
    """A pipeline: the first pixels are the numbers of style and digit, the rest is noise."""

    scheduler = None
    safety_checker = "on"

    def __init__(self):
        self.batches, self.lost, self.broken = [], None, None

    def set_progress_bar_config(self, disable):
        self.quiet = disable

    def __call__(self, prompts, generator, num_inference_steps, guidance_scale, output_type):
        self.batches.append((len(prompts), num_inference_steps, guidance_scale))
        images = torch.stack([torch.rand(3, 4, 4, generator=g) for g in generator])
        for image, prompt in zip(images, prompts, strict=True):
            style, digit = prompt.split()
            image[0, 0, 0] = 0.9 if style == self.lost else NAMES["style"].index(style) / 10
            image[0, 0, 1] = NAMES["digit"].index(digit) / 10
            if style == self.broken:
                image[2, 3, 3] = float("nan")
        return SimpleNamespace(images=images)


class Reader(ImageJudge):
    def __init__(self, place):
        self.place = place

    def recognise(self, images, names):
        return (images[:, 0, 0, self.place] * 10).round().long().clamp(max=len(names) - 1)


@pytest.fixture
def metric():
    judges = {"style": Reader(0), "digit": Reader(1)}
    made = GeneratedImages(
        "x", "{style} {digit}", NAMES, judges, ImageCounts(4, 8), ImageCounts(6, 12), Sampling(3, 2.0, 5)
    )
    made.open = Painter
    made.load()
    return made


def test_the_shares_are_of_images_with_and_without_the_concept(metric):
    assert metric.retained("chalk") == ["style", "digit"]
    every = ["forget", "style", "digit"]
    assert metric.measure("chalk", every, "search") == {
        "forget": Accuracy(4, 4),
        "style": Accuracy(8, 8),
        "digit": Accuracy(8, 8),
    }
    metric.host.lost = "chalk"
    assert metric.measure("chalk", every, "final") == {
        "forget": Accuracy(0, 6),
        "style": Accuracy(12, 12),
        "digit": Accuracy(12, 12),
    }
    assert metric.measure("two", every, "search")["style"].value < 1


def test_only_what_is_asked_for_is_generated_in_bounded_batches(metric):
    metric.measure("chalk", ["forget"], "search")
    assert metric.host.batches == [(4, 3, 2.0)]
    metric.measure("chalk", ["style", "digit"], "search")
    assert metric.host.batches[1:] == [(5, 3, 2.0), (3, 3, 2.0)]


def test_noise_is_common_to_all_points_and_new_in_the_final_images(metric):
    def images(split):
        metric.measure("chalk", ["forget", "digit"], split)
        return torch.cat([seen.images for seen in metric._last])

    first, second, final = images("search"), images("search"), images("final")
    assert torch.equal(first, second)
    pixels = {round(float(image[2, 2, 2]), 6) for image in first}
    assert not pixels & {round(float(image[2, 2, 2]), 6) for image in final}


def test_a_broken_image_counts_against_the_edit_everywhere(metric):
    metric.host.broken = "chalk"
    metric.host.lost = "chalk"
    assert metric.measure("chalk", ["forget"], "search")["forget"].value == 1
    assert metric.measure("two", ["digit"], "search")["digit"].value < 1


def test_the_safety_checker_is_off_since_black_would_look_like_forgotten(metric):
    assert metric.host.safety_checker is None
    assert metric.host.quiet


def test_examples_are_one_image_per_combination_with_what_was_seen(metric):
    metric.host.lost = "chalk"
    metric.measure("chalk", ["forget", "style", "digit"], "final")
    examples = metric.examples()
    assert [(e.row, e.column) for e in examples] == [(s, d) for s in NAMES["style"] for d in NAMES["digit"]]
    assert {(e.row, e.said, e.right) for e in examples} == {
        ("ink", "ink", True),
        ("chalk", "neon", False),
        ("neon", "neon", True),
    }


def test_of_many_names_ten_are_shown_and_the_concept_is_one_of_them():
    names = {"name": [f"n{i}" for i in range(30)]}
    made = GeneratedImages("x", "{name}", names, {"name": Reader(0)}, final=ImageCounts(3, 40))
    made.open = lambda: None
    made.host = SimpleNamespace()
    made._generate = lambda cases: torch.zeros(len(cases), 3, 2, 2)
    made.measure("n20", ["forget", "name"], "final")
    rows = [example.row for example in made.examples()]
    assert len(rows) == 10
    assert "n20" in rows


def test_the_account_says_what_images_depend_on(metric):
    account = metric.account()
    assert account["sampling"]["steps"] == 3
    assert account["images"]["final"] == {"forget": 6, "retained": 12}
    assert account["judges"] == {"style": "Reader", "digit": "Reader"}
    assert metric.labels("chalk")["style"] == "generated images, style other than the concept"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"judges": {"style": Reader(0)}}, r"judge for each of \['digit', 'style'\], but got judges for"),
        ({"search": ImageCounts(0, 5)}, "at least one image of each kind"),
        ({"seed": -1}, "seed of at least 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, said):
    settings = {"judges": {"style": Reader(0), "digit": Reader(1)}, **changes}
    with pytest.raises(SettingError, match=said):
        GeneratedImages("x", "{style} {digit}", NAMES, **settings)


def test_a_pipeline_that_is_not_there_is_refused(tmp_path):
    made = GeneratedImages(str(tmp_path), "{a}", {"a": ["b"]}, {"a": Reader(0)})
    with pytest.raises(ModelNotFoundError, match="Expected a diffusers pipeline in .*model_index.json"):
        made.load()


def test_a_single_name_leaves_nothing_to_keep():
    made = GeneratedImages("x", "{name}", {"name": ["Ada"]}, {"name": Reader(0)})
    assert made.retained("Ada") == []
    assert made.measure("Ada", [], "search") == {}
    assert made.examples() == []
