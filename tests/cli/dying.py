"""Work of a sweep that a worker dies of; apart, so that workers start without torch."""

import os

from slug_lightning.reports.sweep import SweepRow


def row(job):
    return SweepRow(job.id, job.concept, "done", before=1.0, after=0.0, after_high=0.1)


def die_at_two(job):
    if job.id == "two":
        os._exit(1)
    return row(job)


def say_process(job):
    return SweepRow(job.id, job.concept, "done", sentence=str(os.getpid()))
