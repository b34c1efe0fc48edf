"""Many requests on one model: one retain pass, a patch and a report each, and nothing lost to a failure."""

import csv
import json
from pathlib import Path

import pytest
import torch

from slug_lightning.cli import main
from slug_lightning.cli.sweep import Sweep, run_jobs
from slug_lightning.data.requests import DeletionRequest
from slug_lightning.patch import Patch
from slug_lightning.reports.sweep import SweepRow
from tests.cli.dying import die_at_two, row
from tests.helpers import CONFIG, fit

SHORT = ["--trainer.accelerator", "cpu", "--data.retain_limit", "160", "--model.search.towers", "[text]"]


def sweep(world, tmp_path, requests, *more):
    path = tmp_path / "requests.json"
    path.write_text(json.dumps(requests))
    words = ["sweep", "--requests", str(path), "--out", str(tmp_path / "out"), "--config", str(CONFIG)]
    try:
        return main([*words, "--data.root", str(world), *SHORT, *more])
    except SystemExit as stop:
        return stop.code


def rows(tmp_path):
    document = json.loads((tmp_path / "out" / "sweep.json").read_text())
    return {row["id"]: SweepRow(**row) for row in document["requests"]}


REQUESTS = ["seven", {"concept": "nobody", "forget_shards": "forget/none/*.tar"}, "three"]


@pytest.fixture(scope="module")
def swept(tiny_world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    return folder, sweep(tiny_world, folder, REQUESTS)


def test_a_failed_request_is_listed_and_the_others_have_patch_and_report(swept):
    folder, status = swept
    assert status == 2
    found = rows(folder)
    assert [found[name].status for name in ("seven", "nobody", "three")] == ["done", "failed", "done"]
    assert "'nobody' is not among the 10 identities" in found["nobody"].sentence
    for name in ("seven", "three"):
        run = folder / "out" / found[name].run
        assert {"patch.safetensors", "report.json", "report.html", "config.yaml"} <= {
            path.name for path in run.iterdir()
        }
        assert not (run / "gradients.safetensors").exists()
    page = (folder / "out" / "sweep.html").read_text()
    assert "2 of 3 requests have a patch" in page
    with (folder / "out" / "sweep.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3


def test_the_files_of_a_run_do_not_tell_who_else_asked(swept):
    folder, _ = swept
    run = folder / "out" / rows(folder)["three"].run
    for name in ("report.json", "config.yaml", "report.html"):
        assert "nobody" not in (run / name).read_text(), name
    assert (folder / "out" / "names.txt").read_text().split() == ["nobody", "seven", "three"]


def test_the_retain_pass_is_made_once(swept):
    folder, _ = swept
    found = rows(folder)
    assert (found["seven"].retain_shared, found["three"].retain_shared) == (False, True)
    assert len(list((folder / "out" / "runs" / ".retain").glob("*/gradients.safetensors"))) == 1


@pytest.mark.slow
def test_a_patch_with_shared_retain_gradients_is_that_of_a_lone_run_bit_for_bit(swept, tiny_world, tmp_path):
    folder, _ = swept
    lone = ["--data.concept", "three", "--data.left_out", '["seven", "three", "nobody"]', *SHORT]
    alone = fit(tiny_world, tmp_path, *lone, "--model.reuse_gradients", "false")
    shared = folder / "out" / rows(folder)["three"].run
    a, b = Patch.load(alone / "patch.safetensors"), Patch.load(shared / "patch.safetensors")
    assert torch.equal(a.update, b.update)
    without_time = {key: value for key, value in a.header.items() if key != "created"}
    assert without_time == {key: value for key, value in b.header.items() if key != "created"}
    for name in ("layers.csv", "search.csv"):
        assert (alone / name).read_bytes() == (shared / name).read_bytes()


def test_what_is_done_is_kept_and_what_failed_is_tried_again(swept, tiny_world, capsys):
    folder, _ = swept
    before = rows(folder)
    assert sweep(tiny_world, folder, REQUESTS) == 2
    shown = capsys.readouterr().out
    assert "2 of 3 requests are done already." in shown
    assert "3 of 3: nobody: failed" in shown
    after = rows(folder)
    assert (after["seven"], after["three"]) == (before["seven"], before["three"])


def test_options_that_no_request_could_run_with_are_refused_at_once(tiny_world, tmp_path, capsys):
    assert sweep(tiny_world, tmp_path, ["seven"], "--data.retain_limt", "5") == 2
    assert "retain_limt" in capsys.readouterr().err
    assert sweep(tiny_world, tmp_path, ["seven"], "--workers", "0") == 2
    assert "Expected --workers of at least 1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def jobs_of(tmp_path, names, **more):
    settings = {"executor": "local", "workers": 2, "gpus": 0, "keep_gradients": False, **more}
    made = Sweep([DeletionRequest(name, name) for name in names], (), tmp_path, **settings)
    return made, made.jobs()


@pytest.mark.slow
def test_a_worker_that_dies_costs_its_request_alone(tmp_path):
    made, jobs = jobs_of(tmp_path, ["one", "two", "three", "four", "five", "six"])
    found = list(run_jobs(jobs, made, die_at_two))
    assert {row.id: row.status for row in found} == {
        "one": "done", "two": "failed", "three": "done", "four": "done", "five": "done", "six": "done",
    }  # fmt: skip
    assert "ended before the request was done, twice" in next(
        row.sentence for row in found if row.id == "two"
    )


def test_requests_with_their_own_settings_are_led_by_their_own(tmp_path):
    order = []

    def note(job):
        order.append(job.id)
        return row(job) if job.id != "a" else SweepRow(job.id, job.concept, "failed", sentence="Bad.")

    requests = [DeletionRequest(name, name) for name in "abc"]
    requests += [DeletionRequest(name, name, options={"data.root": "x"}) for name in "xy"]
    made = Sweep(requests, (), tmp_path, "local", 1, 0, False)
    found = made.run(note)
    assert [row.id for row in found] == list("abcxy")
    assert set(order[:2]) == {"a", "x"}  # the first of each group; a failed one is followed by the next
    assert order[2:] == ["b", "c", "y"]


def test_an_interrupted_sweep_has_a_summary_of_what_is_done(tmp_path):
    def stop_at_two(job):
        if job.id == "two":
            raise KeyboardInterrupt
        return row(job)

    made, _ = jobs_of(tmp_path, ["one", "two"], workers=1)
    with pytest.raises(KeyboardInterrupt):
        made.run(stop_at_two)
    document = json.loads((tmp_path / "sweep.json").read_text())
    assert [one["id"] for one in document["requests"]] == ["one"]
    assert document["total"] == 2


def test_every_request_leaves_out_the_names_of_all(tmp_path):
    made, jobs = jobs_of(tmp_path, ["Ada Example", "Ben Example"])
    made.run(row)
    for job in jobs:
        names = Path(job.words[job.words.index("--data.left_out") + 1]).read_text()
        assert names.splitlines() == ["Ada Example", "Ben Example"]
        assert job.words[job.words.index("--data.concept") + 1] == job.concept
    assert jobs[0].group == jobs[1].group
    assert jobs[0].key != jobs[1].key


@pytest.mark.slow
@pytest.mark.timeout(1200)  # starts a cluster, and two workers that import torch
def test_on_ray_the_patches_are_the_same(swept, tiny_world, tmp_path):
    folder, _ = swept
    assert sweep(tiny_world, tmp_path, REQUESTS, "--executor", "ray", "--workers", "2") == 2
    ours, theirs = rows(folder), rows(tmp_path)
    for name in ("seven", "three"):
        a = Patch.load(folder / "out" / ours[name].run / "patch.safetensors")
        b = Patch.load(tmp_path / "out" / theirs[name].run / "patch.safetensors")
        assert a.layer == b.layer
        assert torch.equal(a.update, b.update)
    assert theirs["three"].retain_shared
    assert theirs["nobody"].sentence == ours["nobody"].sentence
