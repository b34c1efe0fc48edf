"""Extra evaluation sets stand beside the others in the search, the report and `slug validate`."""

import json

import pytest

from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import read_search
from tests.helpers import fit
from tests.wds_set import style_names, styles, write_set

SEARCHED = "styles-searched"


@pytest.fixture(scope="module")
def extra(tiny_world, tmp_path_factory):
    """The final images by style as two sets: one for the figures alone, one that the search looks at too."""
    root = write_set(
        styles(tiny_world, "2"), style_names(tiny_world), tmp_path_factory.mktemp("sets") / "wds_styles"
    )
    plain = {"name": "styles", "root": str(root), "templates": "simple"}
    return ["--data.extra", json.dumps([plain, {**plain, "name": SEARCHED, "search": True}])]


@pytest.fixture(scope="module")
def run(tiny_world, extra, tmp_path_factory):
    return fit(tiny_world, tmp_path_factory.mktemp("run"), *extra)


def test_the_report_has_their_figures_and_they_are_those_of_the_same_images_elsewhere(run):
    metrics = read_report(run / "report.json")["metrics"]
    for k in (1, 5):
        assert metrics[f"retain/styles_top{k}"] == metrics[f"retain/imagenet_top{k}"]
    whole, rest = (metrics[f"retain/{name}_top1"]["before"]["n"] for name in ("styles", SEARCHED))
    assert 0 < rest < whole  # the search looked at the others
    page = (run / "report.html").read_text()
    assert "styles, top-1" in page


def test_the_search_keeps_only_what_it_is_told_to(run):
    chosen = [row for row in read_search(run / "search.csv") if row.feasible]
    assert chosen
    for row in chosen:
        assert row.metrics[f"retain/{SEARCHED}_top1"] is not None
        assert "retain/styles_top1" not in row.metrics


def test_validate_measures_them_on_the_patched_model(run, tiny_world, extra, tmp_path):
    patched = ["--patch", str(run / "patch.safetensors")]
    found = json.loads(
        (fit(tiny_world, tmp_path, *extra, *patched, command="validate") / "metrics.json").read_text()
    )
    report = read_report(run / "report.json")["metrics"]
    assert found["metrics"] == {name: entry["after"] for name, entry in report.items()}
    assert "retain/styles_top5" in found["metrics"]
