"""The search as it ran inside Lightning, against the same search by plain loops over copied models."""

import copy
import csv

import pytest
import torch
from safetensors.torch import load_file

from slug_lightning.cli.lightning import build
from slug_lightning.functional import class_embeddings
from slug_lightning.models import get_layer, load_clip
from slug_lightning.patch import Patch
from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import read_search
from slug_lightning.unlearning import Gradients
from tests.helpers import fit, words


@pytest.fixture(scope="module")
def plain(tiny_world, tmp_path_factory):
    """Evaluation of any edit without prefix, suffix, cache or Lightning."""
    cli = build(words(tiny_world, tmp_path_factory.mktemp("plain"), command=""), run=False)
    cli.trainer.strategy.connect(cli.model)
    cli.datamodule.trainer = cli.trainer
    cli.datamodule.setup("fit")
    clip, data = load_clip("miniature"), cli.datamodule

    @torch.no_grad()
    def measure(split, layer=None, change=None):
        model = copy.deepcopy(clip.model)
        if layer is not None:
            get_layer(model, layer).add_(change)
        shares = {}
        for (part, dataset), images in data.sets.items():
            if part != split:
                continue
            kind = "imagenet" if dataset == "imagenet" else "identities"
            heads = torch.stack(
                [class_embeddings(model.encode_text(clip.tokenize(row))) for row in data.prompts()[kind]]
            )
            hits = {1: 0, 5: 0}
            for item in images:
                scores = (model.encode_image(item["image"][None], normalize=True) @ heads.T)[0]
                best = scores.argsort(descending=True, stable=True).tolist()
                for k in hits:
                    hits[k] += item["label"] in best[:k]
            name = "forget" if dataset == "forget" else f"retain/{dataset}"
            for k, count in hits.items():
                shares[f"forget/top{k}" if name == "forget" else f"{name}_top{k}"] = count / len(images)
        return shares

    return measure


def test_every_probe_equals_naive_evaluation(tiny_run, plain):
    gradients = Gradients.load(tiny_run / "gradients.safetensors")
    rows = read_search(tiny_run / "search.csv")
    assert len(rows) >= 10
    for row in rows[:: max(1, len(rows) // 12)]:
        naive = plain("search", row.layer, row.step * gradients.forget[row.layer])
        for name, value in row.metrics.items():
            if value is not None:
                assert value == pytest.approx(naive[name]), (row.layer, row.step, name)


def test_final_figures_equal_a_plain_loop_over_the_data(tiny_run, plain):
    report = read_report(tiny_run / "report.json")
    update = load_file(tiny_run / "patch.safetensors")["update"]
    before, after = plain("final"), plain("final", report["layer"], update)
    assert set(report["metrics"]) == set(before)
    for name, entry in report["metrics"].items():
        assert entry["before"]["value"] == pytest.approx(before[name]), name
        assert entry["after"]["value"] == pytest.approx(after[name]), name


def test_only_feasible_points_can_win_and_the_winner_is_the_patch(tiny_run):
    rows = read_search(tiny_run / "search.csv")
    patch, report = Patch.load(tiny_run / "patch.safetensors"), read_report(tiny_run / "report.json")
    (chosen,) = [row for row in rows if row.chosen]
    assert chosen.feasible
    assert chosen.metrics["forget/top1"] <= report["criterion"]["target"]
    assert (chosen.layer, chosen.step) == (patch.layer, patch.step) == (report["layer"], report["step"])


def test_search_again_from_saved_gradients_finds_the_same_point(tiny_run, tiny_world, tmp_path):
    saved = str(tiny_run / "gradients.safetensors")
    again = fit(tiny_world, tmp_path, "--gradients", saved, command="validate")
    assert (again / "search.csv").read_text() == (tiny_run / "search.csv").read_text()
    assert Patch.load(again / "patch.safetensors").update.equal(
        Patch.load(tiny_run / "patch.safetensors").update
    )


def test_one_tower_or_named_layers(tiny_run, tiny_world, tmp_path):
    saved = ["--gradients", str(tiny_run / "gradients.safetensors")]
    text = fit(tiny_world, tmp_path / "a", *saved, "--model.search.towers", "[text]", command="validate")
    assert {row.tower for row in read_search(text / "search.csv")} == {"text"}
    name = "visual.transformer.resblocks.1.mlp.c_fc.weight"
    one = fit(
        tiny_world,
        tmp_path / "b",
        *saved,
        "--model.search.layers",
        f"[{name}]",
        command="validate",
        status=None,
    )
    assert {row.layer for row in read_search(one / "search.csv")} == {name}


def test_the_published_schedule_measures_every_point(tiny_run, tiny_world, tmp_path):
    saved = ["--gradients", str(tiny_run / "gradients.safetensors")]
    settings = ["--model.search.measure", "all", "--model.search.evaluations", "6"]
    run = fit(tiny_world, tmp_path, *saved, *settings, command="validate")
    with (run / "search.csv").open() as file:
        rows = list(csv.DictReader(file))
    by_layer = {}
    for row in rows:
        by_layer.setdefault(row["layer"], []).append(row)
    for name, tried in by_layer.items():
        assert len(tried) == 6
        assert float(tried[0]["relative_step"]) == pytest.approx(0.1), name
        assert all(row["retain/imagenet_top1"] for row in tried)


def test_no_feasible_point_is_said_and_leaves_no_patch(tiny_run, tiny_world, tmp_path, capsys):
    saved = ["--gradients", str(tiny_run / "gradients.safetensors")]
    hopeless = ["--model.search.evaluations", "1", "--model.search.start", "0.0001"]
    run = fit(tiny_world, tmp_path, *saved, *hopeless, command="validate", status=3)
    report = read_report(run / "report.json")
    assert report["feasible"] is False
    assert not (run / "patch.safetensors").exists()
    assert "feasible" in " ".join(capsys.readouterr().out.split())
