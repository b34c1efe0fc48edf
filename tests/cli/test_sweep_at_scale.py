"""A thousand requests: what a kill, failures and the number itself do to a sweep."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slug_lightning.atomic import write_text
from slug_lightning.cli import lightning, main, sweep, sweep_job
from slug_lightning.data.requests import DeletionRequest
from slug_lightning.errors import DataNotFoundError
from slug_lightning.reports.sweep import SweepRow
from tests.cli.dying import say_process
from tests.cli.stand_in import FAILING, build

COUNT, KILLED = 1000, 617
NAMES = [f"Person {number}" for number in range(1, COUNT + 1)]


class Stopped(BaseException):
    """The process ends here."""


def outcomes(folder):
    document = json.loads((folder / "sweep.json").read_text())
    assert document["total"] == COUNT
    return {row["concept"]: row["status"] for row in document["requests"]}


def test_a_thousand_requests_go_on_where_the_process_ended(tmp_path, monkeypatch, capsys):
    done, ends = [], [NAMES[KILLED - 1]]

    def fit(job):
        if job.concept in ends:
            raise Stopped
        done.append(job.concept)
        if job.concept in FAILING:
            raise DataNotFoundError("No shard.")
        run = Path("runs") / job.id / "1"
        write_text(job.out / run / "report.json", "{}")
        return SweepRow(job.id, job.concept, "done", run=str(run), before=1.0, after=0.0, after_high=0.1)

    monkeypatch.setattr(sweep, "REQUESTS_PER_PROCESS", COUNT)  # all in this one, which knows ``fit``
    monkeypatch.setattr(sweep_job, "_fit", fit)
    requests = [DeletionRequest(name.replace(" ", "_"), name) for name in NAMES]
    made = sweep.Sweep(requests, (), tmp_path, "local", 1, 0, False)
    with pytest.raises(Stopped):
        made.run()
    assert done == NAMES[: KILLED - 1]
    assert outcomes(tmp_path) == {name: "failed" if name in FAILING else "done" for name in done}

    done.clear()
    ends.clear()
    rows = made.run()
    earlier = [name for name in FAILING if name in NAMES[:KILLED]]
    assert done == [*earlier, *NAMES[KILLED - 1 :]]
    assert [row.concept for row in rows] == NAMES
    assert [row.concept for row in rows if row.status == "failed"] == list(FAILING)
    assert f"{KILLED - 1 - len(earlier)} of 1,000 requests are done already." in capsys.readouterr().out
    with (tmp_path / "sweep.csv").open() as file:
        assert [row["concept"] for row in csv.DictReader(file)] == NAMES


def test_a_process_is_replaced_after_a_number_of_requests(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "REQUESTS_PER_PROCESS", 2)
    requests = [DeletionRequest(name.replace(" ", "_"), name) for name in NAMES[:5]]
    made = sweep.Sweep(requests, (), tmp_path, "local", 1, 0, False)
    processes = [row.sentence for row in sweep.run_jobs(made.jobs(), made, say_process)]
    assert processes[0] == processes[1]
    assert processes[2] == processes[3]
    assert len({str(os.getpid()), *processes}) == 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_of_a_thousand_runs_killed_at_617_one_makes_the_retain_pass(tmp_path, monkeypatch):
    (tmp_path / "requests.json").write_text(json.dumps(NAMES))
    words = ["sweep", "--requests", str(tmp_path / "requests.json"), "--out", str(tmp_path / "out")]
    killed = subprocess.run(
        [sys.executable, "-m", "tests.cli.stand_in", *words],
        env={**os.environ, "KILLED_AT": NAMES[KILLED - 1]},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        timeout=600,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    out = tmp_path / "out"
    assert len(list(out.glob("requests/*.json"))) == KILLED - 1
    first = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*/report.json")}

    monkeypatch.setattr(sweep, "REQUESTS_PER_PROCESS", COUNT)
    monkeypatch.setattr(lightning, "build", lambda words, run=True: build(words) if run else None)
    assert main(words) == 2
    found = outcomes(out)
    assert [name for name in NAMES if found[name] == "failed"] == list(FAILING)
    assert len(found) == COUNT
    assert all(path.stat().st_mtime_ns == time for path, time in first.items())  # none was made again
    assert len(list(out.glob("runs/passes-*"))) == 1
    kept = [path.relative_to(out).parts[1] for path in out.glob("runs/*/*/gradients.safetensors")]
    assert kept == [".retain"]
