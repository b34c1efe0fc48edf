from lightning.pytorch.strategies import SingleDeviceStrategy

from slug_lightning.unlearning.processes import Processes


def test_one_process_talks_to_nobody():
    """Several are tested as users run them, in tests/integration/test_processes.py."""
    alone = Processes(SingleDeviceStrategy("cpu"))
    assert (alone.size, alone.first) == (1, True)
    assert alone.any(True, False) == [True, False]
    assert alone.gather("a") == ["a"]
    assert alone.sum_counts({"b": 2, "a": 1}) == {"a": 1, "b": 2}
    assert alone.from_first("x") == "x"
