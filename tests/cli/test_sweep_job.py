import json
from types import SimpleNamespace

import pytest

from slug_lightning.cli import sweep_job
from slug_lightning.cli.sweep_job import Job, read_row, run_job, threads_of
from slug_lightning.errors import DataNotFoundError
from slug_lightning.reports.sweep import SweepRow
from slug_lightning.unlearning.finished import SHARED


@pytest.fixture
def job(tmp_path):
    return Job("seven", "seven", ("--x",), tmp_path, tmp_path, key="k", group="g")


def ends(monkeypatch, error):
    def fit(job):
        print("said before the end")
        raise error

    monkeypatch.setattr(sweep_job, "_fit", fit)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DataNotFoundError("Shard 2 is missing."), "Shard 2 is missing."),
        (SystemExit(2), "slug fit ended with status 2; the reason is in the log."),
        (RuntimeError("out of\n memory"), "RuntimeError: out of memory The log has the trace."),
    ],
)
def test_an_error_is_a_row_with_a_sentence(job, monkeypatch, capsys, error, sentence):
    ends(monkeypatch, error)
    row = run_job(job)
    assert (row.status, row.sentence) == ("failed", sentence)
    assert row.seconds >= 0
    assert json.loads(job.row_file.read_text())["key"] == "k"
    assert "said before the end" in job.row_file.with_suffix(".log").read_text()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("earlier", [None, "runs/seven/1/gradients.safetensors"])
def test_gradients_are_shared_also_by_a_request_that_found_its_own_again(job, tmp_path, earlier):
    """Or the others would take them from its run, and say so in their reports."""
    run = tmp_path / "runs" / "seven" / "2"
    run.mkdir(parents=True)
    source = tmp_path / (earlier or "runs/seven/2/gradients.safetensors")
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(b"sums")
    module = SimpleNamespace(retain_from=None, gradients_from=source if earlier else None)
    sweep_job._share_gradients(job, run, module)
    assert (tmp_path / "runs" / SHARED / "g" / "gradients.safetensors").read_bytes() == b"sums"
    assert not source.exists()


def test_ctrl_c_is_no_row(job, monkeypatch):
    ends(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_job(job)
    assert not job.row_file.exists()


def test_a_row_is_kept_for_the_same_request_unless_it_failed_or_lost_its_run(job, monkeypatch, tmp_path):
    row = SweepRow("seven", "seven", "done", run="runs/seven/1")
    monkeypatch.setattr(sweep_job, "_fit", lambda job: row)
    assert read_row(job) is None
    run_job(job)
    assert read_row(job) is None  # no report
    (tmp_path / "runs" / "seven" / "1").mkdir(parents=True)
    (tmp_path / "runs" / "seven" / "1" / "report.json").write_text("{}")
    assert read_row(job).run == "runs/seven/1"
    other = Job("seven", "seven", ("--y",), tmp_path, tmp_path, key="other", group="g")
    assert read_row(other) is None
    ends(monkeypatch, DataNotFoundError("x"))
    run_job(job)
    assert read_row(job) is None
    job.row_file.write_text("{")
    assert read_row(job) is None


def test_processes_share_the_cores():
    assert threads_of(1) is None
    assert threads_of(10_000) == 1
