"""A style or an object is forgotten as a person is: its images are those of a class."""

import pytest

from slug_lightning.cli import main
from slug_lightning.reports.report_file import read_report
from tests.helpers import words

STYLE = "gold leaf"
IN = ["--data.concept", STYLE, "--data.concept_in", "imagenet", "--data.retain_limit", "400"]


@pytest.fixture(scope="module")
def report(tiny_world, tmp_path_factory):
    out = tmp_path_factory.mktemp("style")
    shards, forget = str(tiny_world / "laion" / "*.tar"), str(out / "forget")
    assert main(["curate", "--concept", STYLE, "--shards", shards, "--out", forget]) == 0
    shards = ["--data.forget_shards", f"{forget}/{{concept}}/*.tar"]
    assert main(words(tiny_world, out, *IN, *shards, "--data.overlap", "allow")) in (0, 3)
    (path,) = out.glob("runs/gold_leaf/*/report.json")
    return read_report(path)


def test_the_class_is_forgotten_and_the_others_and_all_identities_stay(report):
    metrics = report["metrics"]
    assert metrics["forget/top1"]["before"]["value"] > 0.8
    assert metrics["forget/top1"]["after"]["value"] < metrics["forget/top1"]["before"]["value"]
    sets = report["evaluation"]["sets"]
    assert sets["final/forget"]["images"] + sets["final/imagenet"]["images"] == 80
    assert metrics["retain/identities_top1"]["before"]["n"] == sets["final/identities"]["images"] == 80
    assert report["labels"]["retain/imagenet_top1"] == "other classes, top-1"
    assert report["labels"]["retain/identities_top1"] == "identities, top-1"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--data.concept_in", "imagenett"], "concept_in to be one of"),
        (["--data.concept_in", "imagenet"], "Concept 'seven' is not among the 10 names"),
        (["--data.identities", "null"], "concept_in to be one of"),
    ],
)
def test_a_concept_that_is_not_there_is_one_sentence(tiny_world, tmp_path, capsys, more, said):
    assert main(words(tiny_world, tmp_path, *more)) == 2
    assert said in capsys.readouterr().err


def test_identities_may_be_left_out(tiny_world, tmp_path):
    forget = ["--data.forget_shards", "laion/00000.tar", "--data.identities", "null"]
    assert main(words(tiny_world, tmp_path, *IN, *forget, command="validate")) == 0
    (path,) = tmp_path.glob("runs/gold_leaf/*/metrics.json")
    assert "identities" not in path.read_text()
