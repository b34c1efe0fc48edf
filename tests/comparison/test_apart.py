"""A cell in a process of its own, on real models: its memory, and what its end costs."""

import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from slug_lightning.comparison import apart
from slug_lightning.comparison.apart import run_apart
from slug_lightning.comparison.cell import Task, read_cell
from slug_lightning.comparison.compare import compare
from slug_lightning.comparison.request import Cell, cell_file
from slug_lightning.curation.executors import Here


def content(task):
    return read_cell(cell_file(task.folder, task.cell), task.request.key(task.cell))


def killed(task):
    """Stands for the work of a cell that takes all the memory there is."""
    if task.cell.method == "SLUG":
        os.kill(os.getpid(), signal.SIGKILL)
    apart.run_cell(task)


class Process:
    """Stands for a process that ends with ``status``, or that Ctrl-C comes in between."""

    status: int | None = 3

    def __init__(self, target, args):
        self.exitcode, self.ended = None, False

    def start(self):
        self.latest.append(self)

    def join(self):
        if self.status is None and not self.ended:
            raise KeyboardInterrupt
        self.exitcode = self.status

    def terminate(self):
        self.ended = True


@pytest.fixture
def process(monkeypatch):
    Process.latest = []
    monkeypatch.setattr(apart, "get_context", lambda kind: SimpleNamespace(Process=Process))
    return Process


def test_the_memory_of_a_cell_does_not_depend_on_the_cells_before_it(request_of, tmp_path):
    block = bytearray(300 * 2**20)  # what a process has held and given back hides what a cell takes
    del block
    tasks = [Task(request_of(), Cell("SLUG", "seven", 0), tmp_path / name) for name in ("one", "other")]
    assert [run_apart(task) for task in tasks] == ["done", "done"]
    one, other = (content(task)["cost"]["memory_bytes"] for task in tasks)
    if one is not None:  # Linux
        assert one > 20e6
        assert one == pytest.approx(other, rel=0.15)


def test_the_process_that_waits_for_a_cell_holds_no_model_library():
    program = "import sys, slug_lightning.comparison.apart; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_process_that_is_killed_is_one_failed_cell(request_of, tmp_path, monkeypatch):
    monkeypatch.setattr(apart, "_work", killed)
    found = compare(request_of(), tmp_path, Here(), lambda line: None)
    assert [entry["cell"]["method"] for entry in found["failed"]] == ["SLUG"]
    assert "ended by SIGKILL" in found["failed"][0]["error"]
    assert "--workers" in found["failed"][0]["error"]
    assert [entry["cell"]["method"] for entry in found["cells"]] == ["Original"]


def test_a_process_that_ends_early_is_named_with_its_status(request_of, tmp_path, process):
    task = Task(request_of(), Cell("SLUG", "seven", 0), tmp_path)
    assert run_apart(task) == "failed"
    error = cell_file(tmp_path, task.cell).with_suffix(".error.json")
    assert "status 3" in json.loads(error.read_text())["error"]


def test_a_finished_cell_starts_no_process(request_of, tmp_path, process):
    task = Task(request_of(), Cell("SLUG", "seven", 0), tmp_path)
    path = cell_file(tmp_path, task.cell)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"key": task.request.key(task.cell)}))
    assert run_apart(task) == "kept"
    assert process.latest == []


def test_ctrl_c_ends_the_process_of_the_cell(request_of, tmp_path, monkeypatch, process):
    monkeypatch.setattr(process, "status", None)
    with pytest.raises(KeyboardInterrupt):
        run_apart(Task(request_of(), Cell("SLUG", "seven", 0), tmp_path))
    assert process.latest[0].ended
