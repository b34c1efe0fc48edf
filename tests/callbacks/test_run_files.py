"""The folder a run leaves: complete, valid, reproducible."""

import json
import math

import pytest
from safetensors import safe_open
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from slug_lightning.patch import Patch
from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import read_search
from tests.helpers import fit


def test_all_files_are_there_and_none_is_left_half(tiny_run):
    names = {p.relative_to(tiny_run).as_posix() for p in tiny_run.rglob("*") if p.is_file()}
    assert {
        "config.yaml", "gradients.safetensors", "layers.csv", "search.csv", "patch.safetensors",
        "report.json", "report.html", "evidence.json",
        "figures/layers.png", "figures/search.png", "figures/similarity.png",
    } <= names  # fmt: skip
    assert not [name for name in names if name.endswith(".tmp")]
    assert any("tfevents" in name for name in names)


def test_the_run_folder_is_named_by_concept_and_time(tiny_run):
    assert tiny_run.parent.name == "seven"
    assert tiny_run.parent.parent.name == "runs"
    assert tiny_run.name[8] == "-"


def test_the_patch_header_keeps_the_contract(tiny_run):
    with safe_open(tiny_run / "patch.safetensors", framework="pt") as file:
        header = file.metadata()
    assert header["concept"] == "seven"
    assert header["method"] == "slug"
    assert header["base_model"] == "miniature"
    assert float(header["step"]) > 0
    assert set(json.loads(header["base_fingerprint"])) == {"layer", "tower", "other_tower"}


def test_the_report_gives_efficiency_and_data(tiny_run):
    report = read_report(tiny_run / "report.json")
    assert report["efficiency"]["gradient_seconds"] > 0
    assert report["efficiency"]["search_seconds"] > 0
    assert report["efficiency"]["peak_memory_bytes"] > 10**6
    assert report["efficiency"]["patch_bytes"] == (tiny_run / "patch.safetensors").stat().st_size
    assert report["data"]["retain"]["pairs"] > report["data"]["forget"]["pairs"] > 0
    assert report["data"]["retain"]["skipped"]["excluded"] > 0
    assert report["seed"] == 0


def test_the_same_seed_gives_the_same_patch_but_for_the_time(tiny_run, tiny_world, tmp_path):
    one = Patch.load(tiny_run / "patch.safetensors")
    two = Patch.load(fit(tiny_world, tmp_path) / "patch.safetensors")
    assert one.update.equal(two.update)
    same = {key for key in one.header if one.header[key] == two.header[key]}
    assert set(one.header) - same <= {"created"}


def test_validate_leaves_its_figures_and_no_patch(tiny_run, tiny_world, tmp_path, capsys):
    report = read_report(tiny_run / "report.json")
    run = fit(tiny_world, tmp_path, "--patch", str(tiny_run / "patch.safetensors"), command="validate")
    found = json.loads((run / "metrics.json").read_text())
    assert found["patch"] == str(tiny_run / "patch.safetensors")
    assert found["metrics"] == {name: entry["after"] for name, entry in report["metrics"].items()}
    assert not (run / "patch.safetensors").exists()
    shown = " ".join(capsys.readouterr().out.split())
    assert "patched by" in shown
    assert "feasible" not in shown


@pytest.fixture(scope="module")
def events(tiny_run):
    accumulator = EventAccumulator(str(tiny_run), size_guidance={"scalars": 0, "images": 0})
    accumulator.Reload()
    return accumulator


def test_tensorboard_has_one_x_per_probe(events, tiny_run):
    rows = read_search(tiny_run / "search.csv")
    series = events.Scalars("search/forget/top1")
    assert [event.step for event in series] == list(range(len(rows)))
    for event, row in zip(series, rows, strict=True):
        assert math.isclose(event.value, row.metrics["forget/top1"], rel_tol=1e-6, abs_tol=1e-9)


def test_tensorboard_has_the_figures_and_the_layer_scores(events):
    tags = events.Tags()
    assert {"figures/layers", "figures/search", "figures/similarity"} <= set(tags["images"])
    assert any(tag.startswith("layers/importance/") for tag in tags["scalars"])


def test_without_the_page_the_other_files_are_the_same_and_nothing_is_printed(tiny_world, tmp_path, capsys):
    more = [
        "--trainer.callbacks",
        "[{class_path: slug_lightning.callbacks.RunFiles, init_args: {page: false}}]",
    ]
    few = ["--data.retain_limit", "64", "--model.search.layers", "[text_projection]"]
    folder = fit(tiny_world, tmp_path, *more, *few, status=None)
    assert (folder / "report.json").is_file()
    assert (folder / "search.csv").is_file()
    assert not (folder / "report.html").exists()
    assert "recognised" not in capsys.readouterr().out
