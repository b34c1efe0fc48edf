"""Running functions on many sources, here, in processes or on a Ray cluster, with results in order."""

import os
import signal
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from slug_lightning.errors import BadDataError, SettingError

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

Argument = TypeVar("Argument")
Result = TypeVar("Result")

AHEAD = 2  # calls per worker that are made before the first result is taken


class Executor(ABC):
    """Runs functions; a context manager that ends what it started.

    At most a few calls run ahead of what is taken, so that a consumer that stops early stops the work, and
    memory does not grow with the number of arguments.
    """

    def __enter__(self) -> "Executor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def run(
        self, function: Callable[[Argument], Result], arguments: Iterable[Argument]
    ) -> Generator[Result, None, None]:
        """Results of a function, in the order of its arguments; close it to stop early.

        Args:
            function: What to run; importable by name, with arguments and results that can be pickled.
            arguments: What to run it on.

        Raises:
            Exception: The first that the function raises, where its result would come.
            BadDataError: If a worker is lost.
        """

    @abstractmethod
    def close(self) -> None:
        """End processes that were started."""


class Here(Executor):
    """Runs functions in this process, when their results are asked for.

    Example:
        >>> list(Here().run(abs, [-2, 3, -1]))
        [2, 3, 1]
    """

    def run(
        self, function: Callable[[Argument], Result], arguments: Iterable[Argument]
    ) -> Generator[Result, None, None]:
        """See ``Executor.run``."""
        for argument in arguments:
            yield function(argument)

    def close(self) -> None:
        """Nothing was started."""


class Processes(Executor):
    """Runs functions in processes, which start when they are first needed.

    Args:
        workers: Their number.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def run(
        self, function: Callable[[Argument], Result], arguments: Iterable[Argument]
    ) -> Generator[Result, None, None]:
        """See ``Executor.run``."""
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        if self._pool is None:
            # Spawned: a fork of a process whose libraries have threads may hang.
            self._pool = ProcessPoolExecutor(self.workers, get_context("spawn"), initializer=end_with_parent)
        pool = self._pool
        try:
            yield from _windowed(
                lambda argument: pool.submit(function, argument),
                lambda future: future.result(),
                lambda future: future.cancel(),
                arguments,
                self.workers * AHEAD,
            )
        except BrokenProcessPool as error:
            raise _lost_worker(str(error)) from error

    def close(self) -> None:
        """End the processes; what runs in them is waited for."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class OnRay(Executor):
    """Runs functions on the Ray cluster that ``RAY_ADDRESS`` names or that runs here, or else starts one.

    Args:
        workers: Calls at the same time at most; 1 for as many as the cluster has CPUs.
        gpus: Of each call; Ray hides them from calls that ask for none. A fraction shares one.

    Raises:
        SettingError: If Ray is not installed, or no cluster can be reached or started.
    """

    def __init__(self, workers: int = 1, gpus: float = 0) -> None:
        self.gpus = gpus
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # asked before anything is sent
        try:
            import ray
        except ImportError as error:
            raise SettingError(
                "Expected the package ray for --executor ray; install it: pip install 'slug_lightning[ray]'"
            ) from error
        self._ray: Any = ray
        self._joined = ray.is_initialized()
        if not self._joined:
            try:
                ray.init(log_to_driver=False)
            except (ConnectionError, ValueError, OSError, RuntimeError) as error:
                reason = str(error).strip().split("\n")[0][:200]
                raise SettingError(
                    f"Expected a Ray cluster but none could be reached or started: {reason}. Check "
                    "RAY_ADDRESS and ray status, or leave --executor out."
                ) from error
        cpus = int(self._ray.cluster_resources().get("CPU", 1))
        self.workers = workers if workers > 1 else max(1, cpus)

    def run(
        self, function: Callable[[Argument], Result], arguments: Iterable[Argument]
    ) -> Generator[Result, None, None]:
        """See ``Executor.run``."""
        remote = self._ray.remote(num_gpus=self.gpus)(function)
        left, calls, running = iter(arguments), deque[Any](), set[Any]()

        def call_more() -> None:
            """Ray itself would run as many as it has CPUs."""
            free = min(self.workers - len(running), AHEAD * self.workers - len(calls))
            made = [remote.remote(argument) for argument in islice(left, max(0, free))]
            calls.extend(made)
            running.update(made)

        try:
            call_more()
            while calls:
                while calls[0] in running:
                    ended, _ = self._ray.wait([*running])
                    running.difference_update(ended)
                    call_more()
                yield self._take(calls.popleft())
                call_more()
        finally:
            for call in calls:
                self._ray.cancel(call)

    def _take(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except self._ray.exceptions.RayError as error:
            raise _lost_worker(str(error).strip().split("\n")[0]) from error

    def close(self) -> None:
        """End the cluster if it was started here."""
        if not self._joined:
            self._ray.shutdown()


def open_executor(kind: Literal["local", "ray"] = "local", workers: int = 1, gpus: float = 0) -> Executor:
    """The executor of a command line.

    Args:
        kind: ``local`` or ``ray``.
        workers: Processes, or calls on Ray at the same time.
        gpus: Of each call on Ray.

    Raises:
        SettingError: If ``workers`` is not positive, or as ``OnRay``.
    """
    if workers < 1:
        raise SettingError(f"Expected workers of at least 1 but got {workers}.")
    if kind == "ray":
        return OnRay(workers, gpus)
    return Here() if workers == 1 else Processes(workers)


def _windowed(
    submit: Callable[[Argument], Any],
    take: Callable[[Any], Result],
    cancel: Callable[[Any], Any],
    arguments: Iterable[Argument],
    ahead: int,
) -> Generator[Result, None, None]:
    """Keep ``ahead`` calls going; the next one is made when a result has been used."""
    left = iter(arguments)
    running = deque(submit(argument) for argument in islice(left, ahead))
    try:
        while running:
            yield take(running.popleft())
            running.extend(submit(argument) for argument in islice(left, 1))
    finally:
        for call in running:
            cancel(call)


def _lost_worker(reason: str) -> BadDataError:
    return BadDataError(
        f"A worker ended before its work was done: {reason[:200]} It may have run out of memory; run again "
        "with fewer --workers: what was found is kept."
    )


def end_with_parent() -> None:
    """In a started process: leave Ctrl-C to the one that started it, and end with it, even if killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_exit, args=(parent,), daemon=True).start()


def _wait_and_exit(parent: Any) -> None:
    parent.join()
    os._exit(1)
