"""One request of a sweep: ``slug fit`` in this process, whose outcome is a row and never an exception."""

import json
import logging
import os
import time
import traceback
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from slug_lightning.atomic import link_or_copy, write_text
from slug_lightning.errors import SlugError
from slug_lightning.reports.sweep import SweepRow, row_of_report


@dataclass(frozen=True)
class Job:
    """What a worker needs to know.

    Attributes:
        id: Of the request.
        concept: What to forget.
        words: Command line behind ``slug fit``.
        out: Folder of the sweep, absolute.
        cwd: Where relative paths start from.
        key: Of the request and its settings; a finished row with the same key is kept.
        group: Requests with the same group can share retain gradients.
        keep_gradients: Leave each run's gradients in its folder.
        threads: For torch, or ``None`` for its own choice.
    """

    id: str
    concept: str
    words: tuple[str, ...]
    out: Path
    cwd: Path
    key: str
    group: str
    keep_gradients: bool = False
    threads: int | None = None

    @property
    def row_file(self) -> Path:
        """Where the outcome is written."""
        return self.out / "requests" / f"{self.id}.json"


def run_job(job: Job) -> SweepRow:
    """Run one request, write its row and what it printed.

    Raises:
        KeyboardInterrupt: If the user stopped it; nothing else.
    """
    started, cpu = time.perf_counter(), time.process_time()
    try:
        with _aside(job):
            row = _fit(job)
    except (Exception, SystemExit) as error:
        row = SweepRow(job.id, job.concept, "failed", sentence=_sentence(error))
    row = row.timed(time.perf_counter() - started, time.process_time() - cpu)
    write_text(job.row_file, json.dumps({"key": job.key, **asdict(row)}, allow_nan=False) + "\n")
    return row


def read_row(job: Job) -> SweepRow | None:
    """The row of an earlier sweep of the same request and settings, unless it failed."""
    try:
        content = json.loads(job.row_file.read_text(encoding="utf-8"))
        if content.pop("key") != job.key:
            return None
        row = SweepRow(**content)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    there = row.run is not None and (job.out / row.run / "report.json").is_file()
    return row if row.status != "failed" and there else None


def _fit(job: Job) -> SweepRow:
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    from slug_lightning.cli.lightning import build
    from slug_lightning.reports.report_file import read_report

    try:
        cli: Any = build(["fit", *job.words])
    except SIGTERMException:
        raise KeyboardInterrupt from None
    except SystemExit as stop:
        if stop.code == 1:  # Lightning's way to end after Ctrl-C
            raise KeyboardInterrupt from None
        raise
    run: Path = cli.trainer.run_dir
    _share_gradients(job, run, cli.model)
    report = read_report(run / "report.json")
    return row_of_report(job.id, job.concept, str(run.relative_to(job.out)), report)


def _share_gradients(job: Job, run: Path, module: Any) -> None:
    """Keep one file of gradients for all requests whose retain pairs are the same, and no other."""
    from slug_lightning.unlearning.finished import GRADIENTS_FILE, SHARED

    gradients, earlier = run / GRADIENTS_FILE, module.gradients_from  # of a fit that was ended in its search
    known = module.retain_from is not None and SHARED in module.retain_from.parts
    source = gradients if gradients.is_file() else earlier
    if not known and source is not None and source.is_file():
        link_or_copy(source, job.out / "runs" / SHARED / job.group / GRADIENTS_FILE)
    if not job.keep_gradients:
        gradients.unlink(missing_ok=True)
        if earlier is not None and SHARED not in earlier.parts:
            earlier.unlink(missing_ok=True)


@contextmanager
def _aside(job: Job) -> Iterator[None]:
    """Write into the request's log what the run prints; relative paths are those of the command line."""
    import torch

    job.row_file.parent.mkdir(parents=True, exist_ok=True)
    where = job.cwd if job.cwd.is_dir() else Path.cwd()  # another machine of a cluster may not have it
    threads = torch.get_num_threads()
    with job.row_file.with_suffix(".log").open("w", encoding="utf-8") as file, chdir(where), _logged(file):
        if job.threads is not None:
            torch.set_num_threads(job.threads)
        try:
            with redirect_stdout(file), redirect_stderr(file):
                yield
        except Exception:
            traceback.print_exc(file=file)
            raise
        finally:
            torch.set_num_threads(threads)


@contextmanager
def _logged(file: TextIO) -> Iterator[None]:
    """Lightning's loggers keep the stream that they began with."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [logging.StreamHandler(file)], False
    try:
        yield
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


def _sentence(error: BaseException) -> str:
    if isinstance(error, SlugError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"slug fit ended with status {error.code}; the reason is in the log."
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text} The log has the trace."


def threads_of(workers: int) -> int | None:
    """Threads of each of several processes on one machine; ``None`` for one, which may take all."""
    return None if workers == 1 else max(1, (os.cpu_count() or 1) // workers)
