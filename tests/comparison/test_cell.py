import json

import pytest
import torch

from slug_lightning.comparison.cell import Task, read_cell, read_classes, run_cell
from slug_lightning.comparison.request import GOLD, ORIGINAL, Cell, cell_file
from slug_lightning.models.loading import miniature_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cells")


def content(task):
    return read_cell(cell_file(task.folder, task.cell), task.request.key(task.cell))


@pytest.mark.parametrize("method", [ORIGINAL, GOLD, "SLUG"])
def test_a_cell_has_all_figures_and_is_kept_afterwards(request_of, folder, method):
    gold = {"seven": f"local-dir:{miniature_folder()}"}
    task = Task(request_of(gold=gold), Cell(method, "seven", 0), folder)
    assert run_cell(task) == "done"
    found = content(task)
    assert {"forget/top1", "forget/top5", "retain/identities_top1"} <= set(found["metrics"])
    assert 0 <= found["membership"]["value"] <= 1
    classes = read_classes(folder, task.cell)
    assert all(torch.allclose(rows.sum(1), torch.ones(len(rows)), atol=1e-3) for rows in classes.values())
    assert len(classes["forget"]) == found["metrics"]["forget/top1"]["n"]
    if method == "SLUG":
        assert found["trials"] == 2
        assert found["cost"]["processor_seconds"] > 0
        assert found["pairs"]["forget"] == 32
    stamp = cell_file(folder, task.cell).stat().st_mtime_ns
    assert run_cell(task) == "kept"
    assert cell_file(folder, task.cell).stat().st_mtime_ns == stamp


def test_an_error_is_written_down_and_the_next_call_tries_again(request_of, tmp_path):
    broken = Task(request_of(), Cell("SLUG", "nobody", 0), tmp_path)
    assert run_cell(broken) == "failed"
    error = cell_file(tmp_path, broken.cell).with_suffix(".error.json")
    assert "nobody" in json.loads(error.read_text())["error"]
    assert content(broken) is None
    assert run_cell(broken) == "failed"


def test_a_file_that_is_cut_short_or_of_another_request_does_not_count(request_of, tmp_path):
    task = Task(request_of(), Cell("SLUG", "seven", 0), tmp_path)
    path, key = cell_file(tmp_path, task.cell), task.request.key(task.cell)
    path.parent.mkdir(parents=True)
    path.write_text('{"key": ')
    assert read_cell(path, key) is None
    path.write_text(json.dumps({"key": "other"}))
    assert read_cell(path, key) is None
    path.write_text(json.dumps({"key": key}))
    assert read_cell(path, key) == {"key": key}
