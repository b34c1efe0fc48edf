"""A cell in a process of its own: its memory is its own, and its end is not that of the others."""

import signal
from multiprocessing import get_context

from slug_lightning.comparison.cell import Status, Task, is_done, run_cell, write_failure
from slug_lightning.curation.executors import end_with_parent


def run_apart(task: Task) -> Status:
    """Make a cell's file as ``run_cell`` does, in a new process that does nothing else.

    Memory that earlier work left in a process is used again and would not be seen to be needed; a process
    that is killed, for want of memory say, is a failed cell.

    Returns:
        As ``run_cell``.
    """
    if is_done(task):
        return "kept"
    # Spawned: a fork would begin with what its parent holds.
    process = get_context("spawn").Process(target=_work, args=(task,))
    process.start()
    try:
        process.join()
    finally:  # Ctrl-C ends it here; by then a process that was waited for has ended
        process.terminate()
        process.join()
    if process.exitcode:
        write_failure(task, _ending(process.exitcode), "Its process left no other trace.")
    return "done" if is_done(task) else "failed"


def _work(task: Task) -> None:
    end_with_parent()
    run_cell(task)


def _ending(status: int) -> str:
    if status > 0:
        return f"The process of the cell ended with status {status}."
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return (
        f"The process of the cell was ended by {name}. If memory ran out, run again with fewer --workers: "
        "what was found is kept."
    )
