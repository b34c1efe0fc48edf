"""``slug sweep``: many deletion requests on one model, a patch and a report each, one retain pass."""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from slug_lightning.atomic import write_text
from slug_lightning.cli import INFEASIBLE
from slug_lightning.cli.sweep_job import Job, read_row, run_job, threads_of
from slug_lightning.curation.executors import AHEAD, Executor, OnRay, Processes, open_executor
from slug_lightning.data.requests import DeletionRequest, read_requests
from slug_lightning.errors import BadDataError, SettingError
from slug_lightning.reports.sweep import SweepRow, sweep_sentence
from slug_lightning.reports.sweep_page import write_sweep

EPILOG = """All other options are those of slug fit and hold for every request:

  slug sweep --requests requests.csv --out runs/sweep --config configs/clip_vit_b_32_laion400m.yaml

requests.csv has a header line: concept, and where wanted id, forget_shards, aliases (a;b) and settings of
slug fit (data.concept_in, model.search.towers, ...); .jsonl, .json and .yaml lists have the same keys.
Pairs whose caption names any of the requested concepts are left out of the retain pairs of all, so that one
pass of retain gradients serves them all. A sweep that was ended goes on with the same command; what failed is
tried again. Exit status: 0, 2 if a request failed, 3 if one has no feasible point."""

NAMES_FILE = "names.txt"  # what all requests are about: it stays with the sweep, no run's files hold it
REQUESTS_PER_PROCESS = 50  # then another takes its place


@dataclass(frozen=True)
class Sweep:
    """The command's own options, and the words that every ``slug fit`` gets."""

    requests: list[DeletionRequest]
    words: tuple[str, ...]
    out: Path
    executor: Literal["local", "ray"]
    workers: int
    gpus: float
    keep_gradients: bool

    def jobs(self) -> list[Job]:
        """One for each request, in the list's order."""
        names = self._names()
        quiet = ["--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"]
        common = [*self.words, *quiet, "--trainer.default_root_dir", str(self.out)]
        if not any(word.split("=")[0] == "--data.census_cache" for word in self.words):
            common += ["--data.census_cache", str(self.out / "census")]
        common += ["--data.left_out", str(self.out / NAMES_FILE), "--data.concepts", "null"]
        threads = threads_of(self.workers) if self.executor == "local" else None
        configs = _config_bytes(self.words)
        return [
            Job(
                id=request.id,
                concept=request.concept,
                words=(*common, *request.words()),
                out=self.out,
                cwd=Path.cwd(),
                key=_digest([*self.words, *request.words(), *names], configs),
                group=_digest(sorted(f"{k}={v}" for k, v in request.options.items()), b"")[:16],
                keep_gradients=self.keep_gradients,
                threads=threads,
            )
            for request in self.requests
        ]

    def _names(self) -> list[str]:
        return sorted({name for request in self.requests for name in request.names})

    def run(self, function: Callable[[Job], SweepRow] = run_job) -> list[SweepRow]:
        """Run all that is not done, and rewrite the summary now and then.

        Returns:
            Rows of all requests, in the list's order.
        """
        jobs = self.jobs()
        write_text(self.out / NAMES_FILE, "\n".join(self._names()) + "\n")
        rows = {job.id: row for job in jobs if (row := read_row(job)) is not None}
        if rows:
            print(f"{len(rows):,} of {len(jobs):,} requests are done already.", flush=True)
        started = written = time.perf_counter()
        try:
            for row in self._finish(jobs, rows, function):
                rows[row.id] = row
                print(f"{len(rows):,} of {len(jobs):,}: {row.id}: {row.outcome}", flush=True)
                if time.perf_counter() - written > 60:
                    self._write(jobs, rows, time.perf_counter() - started)
                    written = time.perf_counter()
        finally:  # also when it is interrupted
            self._write(jobs, rows, time.perf_counter() - started)
        return [rows[job.id] for job in jobs]

    def _finish(
        self, jobs: list[Job], done: dict[str, SweepRow], function: Callable[[Job], SweepRow]
    ) -> Iterator[SweepRow]:
        """First one request of each group, whose retain gradients the others find; then all others."""
        left = [job for job in jobs if job.id not in done]
        ready = {job.group for job in jobs if job.id in done}
        while leaders := _leaders(left, ready):
            for row in run_jobs(leaders, self, function):
                job = next(job for job in leaders if job.id == row.id)
                left.remove(job)
                if row.status != "failed":
                    ready.add(job.group)
                yield row
        yield from run_jobs(left, self, function)

    def _write(self, jobs: list[Job], rows: dict[str, SweepRow], seconds: float) -> None:
        found = [rows[job.id] for job in jobs if job.id in rows]
        write_sweep(self.out, found, len(jobs), seconds)


def _leaders(left: Sequence[Job], ready: set[str]) -> list[Job]:
    """The first job of each group that has no retain gradients yet."""
    waiting = sorted((job for job in left if job.group not in ready), key=lambda job: job.group)
    return [next(jobs) for _, jobs in groupby(waiting, key=lambda job: job.group)]


def run_jobs(jobs: Sequence[Job], sweep: Sweep, function: Callable[[Job], SweepRow]) -> Iterator[SweepRow]:
    """Rows of the jobs in their order; a worker that dies costs the request that it died of, and no other.

    Workers are replaced now and then: Typst and other libraries keep some 25 MB of each report for ever.
    """
    left = list(jobs)
    while left:
        part = left[: sweep.workers * REQUESTS_PER_PROCESS]
        try:
            with _workers(sweep, len(jobs)) as executor:
                for row in executor.run(function, tuple(part)):
                    left.pop(0)
                    yield row
        except BadDataError:  # a worker is lost; those that ran beside it may be the reason
            window = left[: sweep.workers * AHEAD]
            left = left[len(window) :]
            yield from (_alone(job, sweep, function) for job in window)


def _workers(sweep: Sweep, count: int) -> Executor:
    """This process, if few requests are left for it alone; else processes that can be replaced."""
    if sweep.executor == "local" and sweep.workers == 1 and count > REQUESTS_PER_PROCESS:
        return Processes(1)
    return open_executor(sweep.executor, sweep.workers, sweep.gpus)


def _alone(job: Job, sweep: Sweep, function: Callable[[Job], SweepRow]) -> SweepRow:
    """Run one request in a process of its own."""
    try:
        with OnRay(1, sweep.gpus) if sweep.executor == "ray" else Processes(1) as executor:
            return next(executor.run(function, (job,)))
    except BadDataError:
        sentence = "Its worker ended before the request was done, twice; it may have run out of memory."
        return SweepRow(job.id, job.concept, "failed", sentence=sentence)


def _digest(words: Sequence[str], more: bytes) -> str:
    return hashlib.sha256(json.dumps(list(words)).encode() + more).hexdigest()


def _config_bytes(words: Sequence[str]) -> bytes:
    """Contents of files of settings on the command line: another content is another sweep."""
    paths = [Path(word.rpartition("=")[2]) for word in words]
    files = [path for path in paths if path.suffix in (".yaml", ".yml", ".json") and path.is_file()]
    return b"".join(path.read_bytes() for path in files)


def _parse(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="slug sweep",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--requests", type=Path, required=True, help="list of requests: .csv .jsonl .json .yaml"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/sweep"), help="folder of the sweep (runs/sweep)"
    )
    parser.add_argument(
        "--executor", choices=["local", "ray"], default="local", help="ray: the cluster at RAY_ADDRESS"
    )
    parser.add_argument("--workers", type=int, default=1, help="requests at the same time (1)")
    parser.add_argument("--gpus_per_worker", type=float, default=0, help="of each request on Ray (0)")
    parser.add_argument(
        "--keep_gradients", action="store_true", help="leave gradients.safetensors in each run"
    )
    return parser.parse_known_args(list(words))


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    own, fit_words = _parse(words[1:])
    if own.workers < 1:
        raise SettingError(f"Expected --workers of at least 1 but got {own.workers}.")
    sweep = Sweep(
        requests=read_requests(own.requests),
        words=tuple(fit_words),
        out=own.out.resolve(),
        executor=own.executor,
        workers=own.workers,
        gpus=own.gpus_per_worker,
        keep_gradients=own.keep_gradients,
    )
    _check(sweep)
    rows = sweep.run()
    print(sweep_sentence(rows))
    print(sweep.out / "sweep.html")
    statuses = {row.status for row in rows}
    return 2 if "failed" in statuses else INFEASIBLE if "infeasible" in statuses else 0


def _check(sweep: Sweep) -> None:
    """Refuse options that no request could run with, before any does."""
    from slug_lightning.cli.lightning import build

    try:
        build(sweep.jobs()[0].words, run=False)
    except SystemExit as stop:
        if stop.code:
            print(
                "slug: slug sweep passes these options on to slug fit, which refused them.", file=sys.stderr
            )
        raise
