from pathlib import Path

import pytest
from rich.console import Console

from slug_lightning.errors import BadDataError
from slug_lightning.reports.concepts import (
    ConceptRow,
    concepts_summary,
    kept_figures,
    read_concepts,
    write_concepts,
)


def entry(value):
    return {"value": value, "n": 100, "ci95": [max(0.0, value - 0.05), min(1.0, value + 0.05)]}


def report(feasible, stays):
    metrics = {
        "forget/top1": {"before": entry(0.9), "after": entry(0.0)},
        "retain/imagenet_top1": {"before": entry(0.8), "after": entry(stays)},
    }
    layer, step = ("visual.proj", 1.5) if feasible else (None, None)
    return {"feasible": feasible, "layer": layer, "step": step, "metrics": metrics}


def document(together, came_back=0.0, order="joint"):
    reports = [report(True, 0.79), report(True, 0.78), report(False, 0.1)]
    after = {"forget/top1": entry(came_back), "retain/imagenet_top1": entry(together)}
    rows = [ConceptRow.of(n, Path(f"runs/{n}/1"), r, after) for n, r in zip("abc", reports, strict=True)]
    concepts = [row.entry() for row in rows]
    kept = kept_figures(reports, after)
    return {"format_version": 1, "order": order, "concepts": concepts, "retained": kept}


def printed(some):
    console = Console(width=200, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as capture:
        console.print(concepts_summary(some, Path("out")))
    return capture.get()


def test_a_row_says_what_the_other_patches_changed():
    first, _, without = document(0.8, came_back=0.3)["concepts"]
    assert first["drift"] == pytest.approx(0.3)
    assert first["run"] == "a/1"
    assert without["alone"] is None
    assert without["drift"] is None, "there is no patch whose figure could drift"
    assert without["layer"] is None


def test_the_lowest_alone_is_of_runs_with_a_patch():
    assert document(0.8)["retained"]["retain/imagenet_top1"]["lowest_alone"]["value"] == 0.78


def test_harm_beyond_that_of_each_patch_is_said_with_a_way_out():
    assert "--data.order sequential" not in printed(document(0.77))
    assert "imagenet_top1 60.0" in printed(document(0.6)).replace("\u00a0", " ")
    assert "--data.order sequential" in printed(document(0.77, came_back=0.3))
    assert "Try" not in printed(document(0.6, order="sequential"))


def test_the_table_shows_every_concept(tmp_path):
    shown = printed(document(0.77))
    assert "2 of 3 concepts have a patch (joint)" in shown
    assert "no patch" in shown


def test_the_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "concepts.json"
    write_concepts(path, document(0.7))
    assert read_concepts(path) == document(0.7)
    path.write_text("[]")
    with pytest.raises(BadDataError):
        read_concepts(path)
