import pytest

from slug_lightning.comparison import memory
from slug_lightning.comparison.memory import peak_memory


def test_the_peak_is_that_of_the_block_not_of_what_came_before():
    large = bytearray(200 * 2**20)
    del large
    with peak_memory() as peak:
        block = bytearray(64 * 2**20)
        del block
    if peak.bytes is None:  # not Linux
        return
    assert 60 * 2**20 <= peak.bytes < 150 * 2**20


@pytest.mark.parametrize("missing", ["clear_refs", "status"])
def test_a_system_that_does_not_tell_gives_none(tmp_path, monkeypatch, missing):
    monkeypatch.setattr(memory, "PROCESS", tmp_path / "nowhere")
    if missing == "status":
        (tmp_path / "nowhere").mkdir()
    with peak_memory() as peak:
        pass
    assert peak.bytes is None
