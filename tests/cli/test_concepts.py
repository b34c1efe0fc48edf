"""Several concepts in one command: each has its run and patch, and their sum has figures of its own."""

import json

import pytest
import torch

from slug_lightning.cli import main
from slug_lightning.cli.concepts import Request, check_request
from slug_lightning.errors import SettingError
from slug_lightning.models import get_layer, load_clip
from slug_lightning.patch import Patch, applied_together
from slug_lightning.reports.concepts import read_concepts
from slug_lightning.reports.report_file import read_report
from tests.helpers import words
from tests.integration.test_processes import ddp, finish, start

SHORT = ["--data.concepts", "[seven, three]", "--data.retain_limit", "200"]


def request(world, out, *more):
    status = main(words(world, out, *SHORT, *more))
    (path,) = out.glob("runs/seven+three/*/concepts.json")
    return status, read_concepts(path)


def reports(out, document):
    return [read_report(out / "runs" / row["run"] / "report.json") for row in document["concepts"]]


def test_joint_patches_are_measured_together_on_one_model(tiny_world, tmp_path, capsys):
    status, document = request(tiny_world, tmp_path, "--model.search.towers", "[text]")
    assert status == 0
    assert [row["concept"] for row in document["concepts"]] == ["seven", "three"]
    for row, report in zip(document["concepts"], reports(tmp_path, document), strict=True):
        assert row["alone"] == report["metrics"]["forget/top1"]["after"]
        assert row["drift"] == pytest.approx(row["together"]["value"] - row["alone"]["value"])
        assert row["before"]["value"] > 0.5 > row["together"]["value"]
        assert report["data"]["retain"]["digest"]
    assert set(document["retained"]) >= {"retain/identities_top1", "retain/imagenet_top1"}
    assert "2 of 2 concepts have a patch (joint)" in capsys.readouterr().out
    sources = [r["efficiency"]["retain_gradients_from"] for r in reports(tmp_path, document)]
    assert sources[0] is None
    assert sources[1].startswith("seven/")  # one retain pass for both
    assert list(tmp_path.glob("runs/seven+three/*/models")) == []
    patches = [Patch.load(tmp_path / "runs" / r["run"] / "patch.safetensors") for r in document["concepts"]]
    model = load_clip("miniature").model
    with applied_together(patches, model):  # both were made on the original weights
        pass


@pytest.mark.slow
def test_sequential_patches_are_made_on_the_model_without_those_before(tiny_world, tmp_path):
    status, document = request(tiny_world, tmp_path, "--data.order", "sequential")
    assert status in (0, 3)
    one, two = (tmp_path / "runs" / row["run"] for row in document["concepts"])
    first, second = Patch.load(one / "patch.safetensors"), Patch.load(two / "patch.safetensors")
    model = load_clip("miniature").model
    expected = get_layer(model, first.layer) + first.update
    first.apply_(model)
    assert torch.equal(get_layer(model, first.layer), expected)
    second.apply_(model)  # refused unless these are the weights it was made on
    assert document["concepts"][1]["together"] == document["concepts"][1]["alone"]
    assert list(tmp_path.glob("runs/seven+three/*/models")) == []


@pytest.mark.slow
def test_two_processes_find_the_same(tiny_world, tmp_path):
    _, alone = request(tiny_world, tmp_path / "one")
    finish(start(tiny_world, tmp_path / "two", *SHORT, *ddp(2)))
    (path,) = (tmp_path / "two").glob("runs/seven+three/*/concepts.json")
    both = read_concepts(path)
    for a, b in zip(alone["concepts"], both["concepts"], strict=True):
        assert (a["layer"], a["alone"], a["together"]) == (b["layer"], b["alone"], b["together"])
    assert alone["retained"] == both["retained"]


def test_concepts_must_be_told_apart():
    with pytest.raises(SettingError, match="name each concept once"):
        check_request(["Ada Example", "ada example"], "forget/{concept}/*.tar")
    with pytest.raises(SettingError, match=r"data.forget_shards to hold \{concept\}"):
        check_request(["a", "b"], ["forget/*.tar"])


def test_every_run_knows_the_others():
    asked = Request(("--config", "x.yaml"), ("a", "b", "c"), "joint", None)
    assert asked.name == "a+b+c"
    options = asked.options("b")
    assert json.loads(options[options.index("--data.others") + 1]) == ["a", "c"]
    assert Request((), tuple("abcdef"), "joint", None).name == "a+5-others"


def test_validate_takes_one_concept(tiny_world, tmp_path, capsys):
    try:
        status = main(words(tiny_world, tmp_path, *SHORT, command="validate"))
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert "slug validate measures one concept" in capsys.readouterr().err
