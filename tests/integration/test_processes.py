"""One process and two give the same gradients, the same layer and the same step."""

import os
import signal
import subprocess
import sys

import pytest
import torch

from slug_lightning.patch import Patch
from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import read_search
from slug_lightning.unlearning import Gradients
from tests.helpers import words

LIMIT = 240  # seconds; a hung gloo process ignores SIGTERM, so it is killed


def run(world, out, *more, status=0):
    """`slug fit` in processes of its own; returns the run's folder."""
    line = [sys.executable, "-m", "slug_lightning", *words(world, out, *more)]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=quiet
    )
    try:
        said, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == status, said[-3000:]
    (folder,) = (out / "runs").glob("*/*")
    return folder


@pytest.fixture(scope="module")
def two(tiny_world, tmp_path_factory):
    # 50 pairs a group leave a ragged last group, and the ranks an unequal number of groups.
    ddp = ["--trainer.strategy", "ddp", "--trainer.devices", "2", "--data.group_size", "50"]
    return run(tiny_world, tmp_path_factory.mktemp("two"), *ddp)


@pytest.fixture(scope="module")
def one(tiny_world, tmp_path_factory):
    return run(tiny_world, tmp_path_factory.mktemp("one"), "--data.group_size", "50")


def test_gradients_agree_to_rounding(one, two):
    first, second = (Gradients.load(folder / "gradients.safetensors") for folder in (one, two))
    assert first.pairs == second.pairs
    assert first.losses == pytest.approx(second.losses, rel=1e-6)
    for role in ("forget", "retain"):
        for name, expected in getattr(first, role).items():
            difference = (getattr(second, role)[name] - expected).norm() / expected.norm()
            assert float(difference) < 1e-5, (role, name)


def test_same_layer_and_step(one, two):
    first, second = (Patch.load(folder / "patch.safetensors") for folder in (one, two))
    assert first.layer == second.layer
    assert first.step == pytest.approx(second.step, rel=1e-5)
    torch.testing.assert_close(first.update, second.update, rtol=1e-3, atol=1e-6)


def test_every_image_is_counted_once(one, two):
    first, second = (read_report(folder / "report.json") for folder in (one, two))
    for name, entry in first["metrics"].items():
        assert entry["before"] == second["metrics"][name]["before"]
        assert entry["after"]["n"] == second["metrics"][name]["after"]["n"]
    assert second["environment"]["processes"] == "2"


def test_the_whole_trace_agrees(one, two):
    first, second = (read_search(folder / "search.csv") for folder in (one, two))
    assert [row.layer for row in first] == [row.layer for row in second]
    same = sum(
        a.metrics["forget/top1"] == b.metrics["forget/top1"] for a, b in zip(first, second, strict=True)
    )
    assert same >= 0.95 * len(first)  # a score on the edge may fall either way by rounding


def test_skipped_pairs_are_summed(one, two):
    first, second = (read_report(folder / "report.json")["data"] for folder in (one, two))
    assert first == second
    assert first["retain"]["skipped"]["excluded"] > 0


def test_no_feasible_point_is_said_by_the_first_process_with_a_whole_report(tiny_world, tmp_path):
    """Lightning kills all processes when one ends with a status of its own."""
    ddp = ["--trainer.strategy", "ddp", "--trainer.devices", "2", "--data.retain_limit", "128"]
    hopeless = ["--model.search.evaluations", "1", "--model.search.start", "0.0001"]
    folder = run(tiny_world, tmp_path, *ddp, *hopeless, status=3)
    assert read_report(folder / "report.json")["feasible"] is False
    assert (folder / "report.html").read_text().rstrip().endswith("</html>")
