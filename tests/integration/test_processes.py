"""Any number of processes gives the same gradients, the same counts, the same layer and the same step."""

import os
import signal
import socket
import subprocess
import sys
from functools import cache

import pytest
import torch

from slug_lightning.patch import Patch
from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import read_search
from slug_lightning.unlearning import Gradients
from tests.helpers import words

LIMIT = 240  # seconds; a hung gloo process ignores SIGTERM, so it is killed


def start(world, out, *more, launcher=()):
    """Start `slug fit` in a process of its own."""
    line = [sys.executable, *launcher, "-m", "slug_lightning", *words(world, out, *more)]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=quiet
    )


def finish(process, status=0):
    try:
        said, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == status, said[-3000:]


def run(world, out, *more, status=0):
    """`slug fit` in processes of its own; returns the run's folder."""
    finish(start(world, out, *more), status)
    (folder,) = (out / "runs").glob("*/*")
    return folder


def torchrun(rank):
    meeting = ["--master-addr", "127.0.0.1", "--master-port", str(free_port())]
    return [
        "-m",
        "torch.distributed.run",
        "--nnodes",
        "2",
        "--nproc-per-node",
        "1",
        "--node-rank",
        str(rank),
        *meeting,
    ]


@cache
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# 50 pairs a group leave a ragged last group, and the processes an unequal number of groups.
RAGGED = ["--data.group_size", "50"]
# One shard serves every process; two groups are encoded together; images come in batches of 16.
ONE_SHARD = [
    *["--data.retain_shards", "laion/00000.tar", "--data.group_size", "30", "--data.groups_per_batch", "2"],
    *["--data.eval_batch_size", "16"],
]


def ddp(processes):
    return ["--trainer.strategy", "ddp", "--trainer.devices", str(processes)]


@pytest.fixture(scope="module")
def one(tiny_world, tmp_path_factory):
    return run(tiny_world, tmp_path_factory.mktemp("one"), *RAGGED)


@pytest.fixture(scope="module")
def two(tiny_world, tmp_path_factory):
    return run(tiny_world, tmp_path_factory.mktemp("two"), *RAGGED, *ddp(2))


def agree(first, second):
    """Gradients to rounding; every count, the layer and the step exactly."""
    one, two = (Gradients.load(folder / "gradients.safetensors") for folder in (first, second))
    assert one.pairs == two.pairs
    assert one.losses == pytest.approx(two.losses, rel=1e-6)
    for role in ("forget", "retain"):
        for name, expected in getattr(one, role).items():
            difference = (getattr(two, role)[name] - expected).norm() / expected.norm()
            assert float(difference) < 1e-5, (role, name)
    a, b = (Patch.load(folder / "patch.safetensors") for folder in (first, second))
    assert a.layer == b.layer
    assert a.step == pytest.approx(b.step, rel=1e-5)
    torch.testing.assert_close(a.update, b.update, rtol=1e-3, atol=1e-6)
    x, y = (read_report(folder / "report.json") for folder in (first, second))
    assert x["metrics"] == y["metrics"]
    assert x["data"] == y["data"]
    traces = [read_search(folder / "search.csv") for folder in (first, second)]
    assert [(r.layer, r.metrics) for r in traces[0]] == [(r.layer, r.metrics) for r in traces[1]]


def test_two_processes_agree_with_one(one, two):
    agree(one, two)
    assert read_report(two / "report.json")["environment"]["processes"] == "2"


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 3])
def test_one_shard_serves_every_process(tiny_world, tmp_path, processes):
    alone = run(tiny_world, tmp_path / "one", *ONE_SHARD)
    agree(alone, run(tiny_world, tmp_path / "many", *ONE_SHARD, *ddp(processes)))


@pytest.mark.slow
def test_three_processes_agree_with_one(one, tiny_world, tmp_path):
    agree(one, run(tiny_world, tmp_path, *RAGGED, *ddp(3)))


@pytest.mark.slow
def test_two_nodes_started_by_torchrun_agree_with_one(one, tiny_world, tmp_path):
    nodes = [
        start(tiny_world, tmp_path, *RAGGED, *ddp(1), "--trainer.num_nodes", "2", launcher=torchrun(rank))
        for rank in range(2)
    ]
    for node in nodes:
        finish(node)
    agree(one, *(tmp_path / "runs").glob("*/*"))


def test_skipped_pairs_are_counted(two):
    assert read_report(two / "report.json")["data"]["retain"]["skipped"]["excluded"] > 0


def test_no_feasible_point_is_said_by_the_first_process_with_a_whole_report(tiny_world, tmp_path):
    """Lightning kills all processes when one ends with a status of its own."""
    hopeless = ["--model.search.evaluations", "1", "--model.search.start", "0.0001"]
    folder = run(tiny_world, tmp_path, *ddp(2), "--data.retain_limit", "128", *hopeless, status=3)
    assert read_report(folder / "report.json")["feasible"] is False
    assert (folder / "report.html").read_text().rstrip().endswith("</html>")


@pytest.mark.slow  # two runs
def test_contrast_and_retain_aware_directions_are_the_same_on_two_processes(tiny_world, tmp_path):
    options = ["--model.forget_loss", "contrast", "--model.direction", "retain_aware", *ONE_SHARD]
    first, second = (run(tiny_world, tmp_path / str(n), *options, *ddp(n)) for n in (1, 2))
    agree(first, second)
    one, two = (Gradients.load(folder / "gradients.safetensors") for folder in (first, second))
    for name, expected in one.directions.items():
        assert float((two.directions[name] - expected).norm() / expected.norm()) < 1e-3, name
