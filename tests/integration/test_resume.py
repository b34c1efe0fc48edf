"""A run that was ended at any moment goes on, and ends as if it had not been."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors import safe_open

from slug_lightning.patch import Patch
from slug_lightning.reports.report_file import read_report
from slug_lightning.unlearning import Gradients
from tests.helpers import fit, words

# Small groups: many moments at which the progress is written.
OFTEN = ["--data.group_size", "8", "--data.forget_batch_size", "8", "--model.save_every", "1"]
GRADIENTS = "gradients.safetensors"


def start(world, out, *more):
    line = [sys.executable, "-m", "slug_lightning", *words(world, out, *OFTEN, *more)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=alone
    )


def wait_for(pattern, folder, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not list(folder.glob(pattern)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()[0][-3000:]


def end(process, number):
    os.killpg(process.pid, number)
    return process.communicate(timeout=120)[0]


def finished(out):
    (report,) = (out / "runs").glob("*/*/report.json")
    return report.parent


def same(first, second):
    """Gradients bit for bit, and the patch but for its times."""
    a, b = (Gradients.load(run / GRADIENTS) for run in (first, second))
    for role in ("forget", "retain"):
        for name in a.layers:
            assert torch.equal(getattr(a, role)[name], getattr(b, role)[name]), (role, name)
    assert (a.pairs, a.losses, a.header["data"]) == (b.pairs, b.losses, b.header["data"])
    one, two = (Patch.load(run / "patch.safetensors") for run in (first, second))
    assert torch.equal(one.update, two.update)
    assert {**one.header, "created": ""} == {**two.header, "created": ""}
    x, y = (read_report(run / "report.json") for run in (first, second))
    assert (x["metrics"], x["search"], x["data"]) == (y["metrics"], y["search"], y["data"])


@pytest.fixture(scope="module")
def whole(tiny_world, tmp_path_factory):
    return fit(tiny_world, tmp_path_factory.mktemp("whole"), *OFTEN)


def test_killed_in_the_gradient_pass(tiny_world, tmp_path, whole):
    process = start(tiny_world, tmp_path)
    wait_for("runs/seven/.progress-*", tmp_path, process)
    end(process, signal.SIGKILL)
    assert not list(tmp_path.glob(f"runs/*/*/{GRADIENTS}"))
    process = start(tiny_world, tmp_path)
    said = process.communicate(timeout=200)[0]
    assert process.returncode == 0, said[-3000:]
    assert "goes on where an earlier run was ended" in said
    same(whole, finished(tmp_path))
    assert not list(tmp_path.glob("runs/seven/.progress-*")), "the progress is of no more use"


def test_sigterm_writes_the_progress_first(tiny_world, tmp_path, whole):
    process = start(tiny_world, tmp_path, "--model.save_every", "20")
    wait_for("runs/seven/.progress-*", tmp_path, process)
    before = groups_done(tmp_path)
    os.kill(process.pid, signal.SIGTERM)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 143, said[-3000:]
    assert groups_done(tmp_path) > before
    fit_again(tiny_world, tmp_path)
    same(whole, finished(tmp_path))


@pytest.mark.slow
def test_the_requeue_signal_of_slurm_writes_the_progress_and_requeues(
    tiny_world, tmp_path, whole, monkeypatch
):
    command, said = tmp_path / "bin" / "scontrol", tmp_path / "said"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$@" > {said}\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    job = {"JOB_ID": "77", "JOB_NAME": "slug", "NTASKS": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
    for name, value in job.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    process = start(tiny_world, tmp_path)
    wait_for("runs/seven/.progress-*", tmp_path, process)
    os.kill(process.pid, signal.SIGUSR1)
    printed = process.communicate(timeout=120)[0]
    assert process.returncode == 143, printed[-3000:]
    assert said.read_text() == "requeue 77\n"
    assert not list(tmp_path.glob("**/*.ckpt")), "Lightning would count its batches on from it"
    fit_again(tiny_world, tmp_path)
    same(whole, finished(tmp_path))


def groups_done(out):
    (path,) = out.glob("runs/seven/.progress-*.safetensors")
    with safe_open(path, framework="pt") as file:
        return sum(json.loads(file.metadata()["counts"])["groups"].values())


def fit_again(world, out):
    from slug_lightning.cli import main

    assert main(words(world, out, *OFTEN)) == 0


@pytest.mark.slow
def test_killed_in_the_search_the_gradients_are_not_computed_again(tiny_world, tmp_path, whole):
    process = start(tiny_world, tmp_path)
    wait_for(f"runs/seven/*/{GRADIENTS}", tmp_path, process)
    end(process, signal.SIGKILL)
    fit_again(tiny_world, tmp_path)
    run = finished(tmp_path)
    same(whole, run)
    assert read_report(run / "report.json")["efficiency"]["gradients_from"] is not None


def test_a_second_search_starts_at_once(tiny_world, tmp_path, monkeypatch):
    first = fit(tiny_world, tmp_path, *OFTEN)

    def never(*_, **__):
        raise AssertionError("a gradient was computed")

    monkeypatch.setattr("slug_lightning.unlearning.gradients.GradientAccumulator.backward", never)
    from slug_lightning.cli import main

    assert main(words(tiny_world, tmp_path, *OFTEN, "--model.search.evaluations", "6")) == 0
    (second,) = {p.parent for p in tmp_path.glob("runs/*/*/report.json")} - {first}
    report = read_report(second / "report.json")
    assert report["efficiency"]["gradients_from"] == first.name
    assert (second / "layers.csv").read_text() == (first / "layers.csv").read_text()
    assert (second / GRADIENTS).samefile(first / GRADIENTS), "not stored twice"


# What the data say of this is in tests/data/test_unlearning.py.
@pytest.mark.parametrize(
    "other",
    [["--data.retain_limit", "150"], ["--model.exclude", "published"], ["--model.reuse_gradients", "false"]],
)
def test_gradients_of_something_else_are_not_reused(tiny_world, tmp_path, other):
    short = ["--data.retain_limit", "200", "--model.search.evaluations", "1"]
    fit(tiny_world, tmp_path, *short, status=None)
    from slug_lightning.cli import main

    assert main(words(tiny_world, tmp_path, *short, *other)) in (0, 3)
    reports = [read_report(path) for path in tmp_path.glob("runs/*/*/report.json")]
    assert [report["efficiency"]["gradients_from"] for report in reports] == [None, None]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_again_and_again_at_random_moments(tiny_world, tmp_path, whole, seed):
    moments = random.Random(seed)
    for _ in range(4):
        process = start(tiny_world, tmp_path)
        wait_for("runs/seven/*/config.yaml", tmp_path, process)
        time.sleep(moments.uniform(0, 5))
        end(process, signal.SIGKILL)
        if list(tmp_path.glob("runs/*/*/report.json")):
            break
    else:
        fit_again(tiny_world, tmp_path)
    same(whole, finished(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_two_processes_began_one_or_three_can_end(tiny_world, tmp_path, whole, number):
    def ddp(n):
        return ["--trainer.strategy", "ddp", "--trainer.devices", str(n)]

    for processes in (2, 3):
        process = start(tiny_world, tmp_path, *ddp(processes))
        wait_for("runs/seven/.progress-*", tmp_path, process)
        if number == signal.SIGTERM:
            os.kill(process.pid, number)  # the first process alone: it tells the others
            process.communicate(timeout=120)
        else:
            end(process, number)
    fit_again(tiny_world, tmp_path)
    run = finished(tmp_path)
    a, b = (Gradients.load(folder / GRADIENTS) for folder in (whole, run))
    assert a.pairs == b.pairs
    for name in a.layers:
        assert float((a.retain[name] - b.retain[name]).norm() / a.retain[name].norm()) < 1e-5
    assert Patch.load(whole / "patch.safetensors").layer == Patch.load(run / "patch.safetensors").layer
