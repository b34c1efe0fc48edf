"""On a pipeline that paints what the text encoder's states say, and a judge that reads the paint."""

from types import SimpleNamespace

import pytest
import torch

from slug_lightning.errors import ModelNotFoundError, SettingError
from slug_lightning.hosts import GeneratedImages, ImageCounts, ImageJudge, Sampling
from slug_lightning.hosts.host_attacks import Rewording, abilities
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


def test_other_words_are_put_into_the_prompts_of_the_first_final_images(metric):
    prompts, generate = [], metric._generate
    metric._generate = lambda cases: prompts.extend((c.prompt, c.seed) for c in cases) or generate(cases)
    metric.per_wording = 2
    ways = [Rewording("template", "x", "ink one"), Rewording("control", "neon", "neon")]
    assert metric.reworded("chalk", ways) == [Accuracy(0, 2), Accuracy(0, 2)]
    seeds = [case.seed for case in metric.prompts.cases("chalk", True, 6, "final", 0)][:2]
    assert prompts[:2] == [("ink one", seed) for seed in seeds]
    assert [(prompt.split()[0], seed) for prompt, seed in prompts[2:]] == [("neon", seed) for seed in seeds]
    assert metric.reworded("chalk", [Rewording("language", "chalk", "chalk")]) == [Accuracy(2, 2)]
    assert metric.reworded("chalk", []) == []


def test_the_search_asks_in_its_wordings_in_turn_and_the_final_figures_do_not(metric):
    prompts, generate = [], metric._generate
    metric._generate = lambda cases: prompts.extend((c.prompt, c.seed) for c in cases) or generate(cases)
    metric.wordings = ("{} one", "{} two")
    assert metric.measure("chalk", ["forget", "digit"], "search")["forget"] == Accuracy(4, 4)
    usual = metric.prompts.cases("chalk", True, 4, "search", 0)  # two rounds of two prompts
    said = [usual[0].prompt, "chalk one", "chalk one", "chalk two"]
    assert prompts[:4] == list(zip(said, [case.seed for case in usual], strict=True))
    rest = metric.prompts.cases("chalk", False, 8, "search", 0)
    assert prompts[4:] == [(case.prompt, case.seed) for case in rest]
    prompts.clear()
    metric.measure("chalk", ["forget"], "final")
    assert [prompt for prompt, _ in prompts] == [
        case.prompt for case in metric.prompts.cases("chalk", True, 6, "final", 0)
    ]
    assert metric.account()["wordings"] == ["{} one", "{} two"]


def test_an_audit_tries_sentences_misspellings_further_names_and_meaningless_ones(metric):
    metric.other_names = {"chalk": ["crayon"]}
    kinds = [way.kind for way in metric.rewordings("chalk")]
    assert list(dict.fromkeys(kinds)) == ["template", "misspelling", "language", "control"]
    assert [(way.label, way.text) for way in metric.rewordings("chalk") if way.kind == "language"] == [
        ("crayon (name 1)", "crayon")
    ]
    assert all("chalk" in way.text for way in metric.rewordings("chalk") if way.kind == "template")


def test_confusion_counts_what_is_seen_in_the_final_images_and_broken_ones_as_nothing(metric):
    metric.host.lost, metric.host.broken = "chalk", "ink"
    found = metric.confusion("chalk")
    assert list(found.names) == NAMES["style"]
    assert found.counts.tolist() == [[0, 0, 0, 6], [0, 0, 6, 0], [0, 0, 6, 0]]
    assert metric.examples() == []  # those are of the last measurement


def test_a_gold_standard_is_another_pipeline_with_the_same_questions(metric, tmp_path):
    opened = []
    metric.open = lambda: opened.append(metric) or Painter()
    gold = metric.gold(tmp_path)
    assert gold.pipeline == str(tmp_path)
    assert gold.load() is not metric.load()
    gold.load().lost = "chalk"
    assert metric.measure("chalk", ["forget"], "final")["forget"].value == 1
    assert gold.measure("chalk", ["forget"], "final")["forget"].value == 0
    assert abilities(metric) == ("gold", "reworded", "confusion")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"judges": {"style": Reader(0)}}, r"judge for each of \['digit', 'style'\], but got judges for"),
        ({"search": ImageCounts(0, 5)}, "at least one image of each kind"),
        ({"seed": -1}, "seed of at least 0"),
        ({"wordings": ["chalk"]}, r"'\{\}'"),
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
