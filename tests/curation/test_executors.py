import os
import subprocess
import sys
import time

import pytest

from slug_lightning.curation.executors import AHEAD, run_in_order
from slug_lightning.errors import DataNotFoundError, SettingError


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


def counted(numbers, taken):
    for number in numbers:
        taken.append(number)
        yield number


def test_here_results_come_one_by_one():
    taken = []
    results = run_in_order(square, counted(range(9), taken))
    assert [next(results), next(results)] == [0, 1]
    assert taken == [0, 1]


def test_processes_give_results_in_order_and_stop_with_their_consumer():
    assert list(run_in_order(square, range(7), workers=2)) == [n * n for n in range(7)]
    taken = []
    results = run_in_order(square, counted(range(100), taken), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    results.close()
    assert len(taken) <= 3 + 2 * AHEAD


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_where_its_result_would_come(workers):
    results = run_in_order(fail_at_two, range(5), workers=workers)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(DataNotFoundError, match=r"Shard 2 is missing\."):
        next(results)


def test_no_workers_are_refused():
    with pytest.raises(SettingError, match="workers of at least 1 but got 0"):
        next(run_in_order(square, [1], workers=0))


def test_ray_is_asked_for_only_when_it_is_used(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert next(run_in_order(square, [3])) == 9
    with pytest.raises(SettingError, match=r"pip install 'slug_lightning\[ray\]'"):
        next(run_in_order(square, [3], "ray"))


SLEEPERS = """
import sys, time
from tests.curation.test_executors import sleep_long
from slug_lightning.curation.executors import run_in_order
if __name__ == "__main__":
    list(run_in_order(sleep_long, sys.argv[1:], workers=2))
"""


def sleep_long(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)


def test_processes_end_when_theirs_is_killed(tmp_path):
    script = tmp_path / "sleepers.py"
    script.write_text(SLEEPERS)
    files = [tmp_path / "a", tmp_path / "b"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    parent = subprocess.Popen([sys.executable, script, *map(str, files)], env=environment, cwd=os.getcwd())
    deadline = time.monotonic() + 60
    while not all(f.exists() and f.read_text() for f in files) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(f.read_text()) for f in files]
    parent.kill()
    parent.wait()
    while any(os.path.exists(f"/proc/{pid}") for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)


@pytest.mark.slow
def test_ray_gives_the_same(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))  # of its workers
    assert list(run_in_order(square, range(7), "ray", workers=2)) == [n * n for n in range(7)]
    results = run_in_order(fail_at_two, range(5), "ray")
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(DataNotFoundError, match=r"Shard 2 is missing\."):
        next(results)


@pytest.mark.slow
def test_a_cluster_that_is_connected_stays_connected():
    import ray

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        assert len(set(run_in_order(process_of, range(8), "ray", workers=2)) - {os.getpid()}) >= 1
        assert ray.is_initialized()
    finally:
        ray.shutdown()
