"""Running one function on many sources, here, in processes or on a Ray cluster, with results in order."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import Any, Literal, TypeVar

from slug_lightning.errors import SettingError

Executor = Literal["local", "ray"]
Argument = TypeVar("Argument")
Result = TypeVar("Result")

AHEAD = 2  # sources per worker that are asked for before the first of them is taken


def run_in_order(
    function: Callable[[Argument], Result],
    arguments: Iterable[Argument],
    executor: Executor = "local",
    workers: int = 1,
) -> Generator[Result, None, None]:
    """Results of a function, in the order of its arguments.

    At most a few calls run ahead of what is taken, so that a consumer that stops early stops the work, and
    memory does not grow with the number of arguments. The first error is raised where its result would come.

    Args:
        function: What to run; importable by name, with arguments and results that can be pickled.
        arguments: What to run it on.
        executor: ``local``: in this process, or in ``workers`` processes; ``ray``: on the cluster that
            ``RAY_ADDRESS`` names or that runs here, or else on one that is started for it.
        workers: Calls at the same time; on Ray, 1 means as many as the cluster has CPUs.

    Raises:
        SettingError: If ``workers`` is not positive, or Ray is not installed or cannot be reached.

    Example:
        >>> list(run_in_order(abs, [-2, 3, -1]))
        [2, 3, 1]
    """
    if workers < 1:
        raise SettingError(f"Expected workers of at least 1 but got {workers}.")
    if executor == "ray":
        yield from _on_ray(function, arguments, workers)
    elif workers == 1:
        yield from map(function, arguments)
    else:
        yield from _in_processes(function, arguments, workers)


def _in_processes(
    function: Callable[[Argument], Result], arguments: Iterable[Argument], workers: int
) -> Generator[Result, None, None]:
    from concurrent.futures import ProcessPoolExecutor

    # Spawned: a fork of a process whose libraries have threads may hang.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_end_with_parent)
    try:
        yield from _windowed(
            lambda argument: pool.submit(function, argument),
            lambda future: future.result(),
            arguments,
            workers * AHEAD,
        )
    finally:
        pool.shutdown(cancel_futures=True)


def _on_ray(
    function: Callable[[Argument], Result], arguments: Iterable[Argument], workers: int
) -> Generator[Result, None, None]:
    with _ray() as ray:
        remote = ray.remote(max_retries=2)(function)
        ahead = AHEAD * (workers if workers > 1 else max(1, int(ray.cluster_resources().get("CPU", 1))))
        pending: set[Any] = set()

        def submit(argument: Argument) -> Any:
            reference = remote.remote(argument)
            pending.add(reference)
            return reference

        def take(reference: Any) -> Any:
            pending.discard(reference)
            try:
                return ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, Exception) else error) from error

        try:
            yield from _windowed(submit, take, arguments, ahead)
        finally:
            for reference in pending:
                ray.cancel(reference)


def _windowed(
    submit: Callable[[Argument], Any],
    take: Callable[[Any], Result],
    arguments: Iterable[Argument],
    ahead: int,
) -> Generator[Result, None, None]:
    """Keep ``ahead`` calls going; a result is taken before the next call is made."""
    left = iter(arguments)
    running = deque(submit(argument) for argument in islice(left, ahead))
    while running:
        result = take(running.popleft())
        yield result
        running.extend(submit(argument) for argument in islice(left, 1))


@contextmanager
def _ray() -> Iterator[Any]:
    """Ray, connected; a cluster that was started for us is ended."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # asked before anything is sent
    try:
        import ray
    except ImportError as error:
        raise SettingError(
            "Expected the package ray for --executor ray; install it with: pip install 'slug_lightning[ray]'"
        ) from error
    joined = ray.is_initialized()
    if not joined:
        try:
            ray.init(log_to_driver=False)
        except (ConnectionError, ValueError, OSError, RuntimeError) as error:
            reason = str(error).strip().split("\n")[0][:200]
            raise SettingError(
                f"Expected a Ray cluster but none could be reached or started: {reason}. Check RAY_ADDRESS "
                "and ray status, or leave --executor out."
            ) from error
    try:
        yield ray
    finally:
        if not joined:
            ray.shutdown()


def _end_with_parent() -> None:
    """In a worker: end when the process that started it is gone, even if it was killed."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_exit, args=(parent,), daemon=True).start()


def _wait_and_exit(parent: Any) -> None:
    parent.join()
    os._exit(1)
