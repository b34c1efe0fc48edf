"""Extra evaluation sets stand beside the others in the search, the report and `slug validate`."""

import json
import os
import subprocess
import sys

import pytest

from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import read_search
from tests.helpers import fit, words
from tests.wds_set import style_names, styles, write_set

SEARCHED = "styles-searched"


@pytest.fixture(scope="module")
def extra(tiny_world, tmp_path_factory):
    """The final images by style as two sets: one for the figures alone, one that the search looks at too."""
    root = write_set(
        styles(tiny_world, "2"), style_names(tiny_world), tmp_path_factory.mktemp("sets") / "wds_styles"
    )
    plain = {"name": "styles", "root": str(root), "templates": "photo"}
    sets = json.dumps([plain, {**plain, "name": SEARCHED, "search": True}])
    return ["--data.extra", sets, "--data.overlap", "allow"]  # they are the same images once more


@pytest.fixture(scope="module")
def run(tiny_run, tiny_world, extra, tmp_path_factory):
    """A search with the gradients of another run, which has no extra sets."""
    again = ["--gradients", str(tiny_run / "gradients.safetensors")]
    return fit(tiny_world, tmp_path_factory.mktemp("run"), *extra, *again, command="validate")


def test_the_report_has_their_figures_and_they_are_those_of_the_same_images_elsewhere(run):
    metrics = read_report(run / "report.json")["metrics"]
    for k in (1, 5):
        assert metrics[f"retain/styles_top{k}"] == metrics[f"retain/imagenet_top{k}"]
    whole, rest = (metrics[f"retain/{name}_top1"]["before"]["n"] for name in ("styles", SEARCHED))
    assert 0 < rest < whole  # the search looked at the others
    page = (run / "report.html").read_text()
    assert "styles, top-1" in page


def test_the_search_keeps_only_what_it_is_told_to(run):
    rows = read_search(run / "search.csv")
    (chosen,) = [row for row in rows if row.chosen]
    assert chosen.metrics[f"retain/{SEARCHED}_top1"] is not None
    assert not any("retain/styles_top1" in row.metrics for row in rows)


def test_validate_measures_them_on_the_patched_model(run, tiny_world, extra, tmp_path):
    patched = ["--patch", str(run / "patch.safetensors")]
    found = json.loads(
        (fit(tiny_world, tmp_path, *extra, *patched, command="validate") / "metrics.json").read_text()
    )
    report = read_report(run / "report.json")["metrics"]
    assert found["metrics"] == {name: entry["after"] for name, entry in report.items()}
    assert "retain/styles_top5" in found["metrics"]


def results(run):
    return {path.name: path.read_text() for path in (run / "clip_benchmark").iterdir()}


@pytest.mark.slow
def test_two_processes_write_the_same_figures_as_one(tiny_world, extra, tmp_path):
    """The second process has no image of the concept at all."""
    options = [*extra, "--clip_benchmark", "true", "--data.eval_batch_size", "16"]
    alone = fit(tiny_world, tmp_path / "one", *options, command="validate")
    many = ["--trainer.strategy", "ddp", "--trainer.devices", "2"]
    line = words(tiny_world, tmp_path / "two", *options, *many, command="validate")
    done = subprocess.run(
        ["timeout", "-s", "KILL", "200", sys.executable, "-m", "slug_lightning", *line],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (dealt,) = (tmp_path / "two" / "runs").glob("*/*")
    assert set(results(alone)) == {
        f"{n}.json" for n in ("forget", "identities", "imagenet", "styles", SEARCHED)
    }
    assert results(dealt) == results(alone)
    figures = [json.loads((run / "metrics.json").read_text())["metrics"] for run in (alone, dealt)]
    assert figures[0] == figures[1]
