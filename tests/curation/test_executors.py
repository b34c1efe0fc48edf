import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slug_lightning.curation.executors import AHEAD, Here, OnRay, Processes, open_executor
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError


def square(number):
    time.sleep(0.02 * (number % 3))  # finish out of order
    return number * number


def fail_at_two(number):
    if number == 2:
        raise DataNotFoundError("Shard 2 is missing.")
    return number


def process_of(number):
    del number
    time.sleep(0.05)
    return os.getpid()


def neighbours(argument):
    """How many calls run at the same time, this one among them."""
    folder, number = argument
    mark = folder / str(number)
    mark.touch()
    time.sleep(0.3)
    found = len(list(folder.iterdir()))
    mark.unlink()
    return found


def counted(numbers, taken):
    for number in numbers:
        taken.append(number)
        yield number


@pytest.fixture(scope="module")
def processes():
    with Processes(2) as executor:
        yield executor


def test_here_results_come_one_by_one():
    taken = []
    results = Here().run(square, counted(range(9), taken))
    assert [next(results), next(results)] == [0, 1]
    assert taken == [0, 1]


def test_processes_give_results_in_order_and_stop_with_their_consumer(processes):
    assert list(processes.run(square, range(7))) == [n * n for n in range(7)]
    taken = []
    results = processes.run(square, counted(range(100), taken))
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    results.close()
    assert len(taken) <= 3 + 2 * AHEAD
    assert os.getpid() not in set(processes.run(process_of, range(4)))


@pytest.mark.parametrize("kind", ["here", "processes"])
def test_an_error_is_raised_where_its_result_would_come(kind, request):
    executor = Here() if kind == "here" else request.getfixturevalue(kind)
    results = executor.run(fail_at_two, range(5))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(DataNotFoundError, match=r"Shard 2 is missing\."):
        next(results)
    assert list(executor.run(square, [3])) == [9]


def end_abruptly(number):
    os._exit(number)


def test_a_worker_that_is_lost_is_one_sentence():
    with (
        Processes(2) as executor,
        pytest.raises(BadDataError, match="A worker ended before.*fewer --workers"),
    ):
        list(executor.run(end_abruptly, [1]))


def test_the_command_line_says_which(monkeypatch):
    assert isinstance(open_executor(), Here)
    assert open_executor("local", 3).workers == 3
    with pytest.raises(SettingError, match="workers of at least 1 but got 0"):
        open_executor("local", 0)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingError, match=r"pip install 'slug_lightning\[ray\]'"):
        open_executor("ray")


SLEEPERS = """
import sys, time
from tests.curation.test_executors import sleep_long
from slug_lightning.curation.executors import Processes
if __name__ == "__main__":
    list(Processes(2).run(sleep_long, sys.argv[1:]))
"""


def sleep_long(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def test_processes_end_when_theirs_is_killed(tmp_path):
    script = tmp_path / "sleepers.py"
    script.write_text(SLEEPERS)
    files = [tmp_path / "a", tmp_path / "b"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    parent = subprocess.Popen([sys.executable, script, *map(str, files)], env=environment, cwd=Path.cwd())
    deadline = time.monotonic() + 60
    while not all(f.exists() and f.read_text() for f in files) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(f.read_text()) for f in files]
    parent.kill()
    parent.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.slow
def test_ray_gives_the_same(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))  # of its workers
    with open_executor("ray", 2) as executor:
        assert list(executor.run(square, range(7))) == [n * n for n in range(7)]
        results = executor.run(fail_at_two, range(5))
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(DataNotFoundError, match=r"Shard 2 is missing\."):
            next(results)


@pytest.mark.slow
def test_ray_runs_no_more_calls_at_a_time_than_it_is_told(tmp_path, monkeypatch):
    import ray

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))
    ray.init(num_cpus=6, log_to_driver=False, include_dashboard=False)
    try:
        with OnRay(workers=2) as executor:
            numbers = list(executor.run(neighbours, [(tmp_path, n) for n in range(8)]))
        assert max(numbers) == 2
    finally:
        ray.shutdown()


@pytest.mark.slow
def test_a_cluster_that_is_connected_stays_connected():
    import ray

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        with OnRay() as executor:
            assert executor.workers == 2
            assert os.getpid() not in set(executor.run(process_of, range(8)))
        assert ray.is_initialized()
    finally:
        ray.shutdown()
