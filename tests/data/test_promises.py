import json
import os
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slug_lightning.data.promises import MAX_PAIRS, Promise, find_promise


def write_parquet(path, **columns):
    pq.write_table(pa.table(columns), path)


@pytest.mark.parametrize("shard", ["00003.tar", "00003.tar.gz", "00003.tgz"])
def test_stats_are_asked_first_then_the_parquet(tmp_path, shard):
    assert find_promise(tmp_path / shard) is None
    write_parquet(tmp_path / "00003.parquet", status=["success", "failed_to_download", "success"])
    assert find_promise(tmp_path / shard) == Promise(2, "00003.parquet")
    (tmp_path / "00003_stats.json").write_text(json.dumps({"count": 9, "successes": 7}))
    assert find_promise(tmp_path / shard) == Promise(7, "00003_stats.json")


def test_a_parquet_without_status_promises_its_rows(tmp_path):
    write_parquet(tmp_path / "0.parquet", caption=["a", "b"])
    assert find_promise(tmp_path / "0.tar") == Promise(2, "0.parquet")


@pytest.mark.parametrize(
    "text",
    [
        *["", "{", "[1, 2]", "null", "[" * 100_000, '{"successes": 10}x', "\x00"],
        *(f'{{"successes": {lie}}}' for lie in ['"many"', "true", "-1", "1e3", "NaN", "[]", "null"]),
        *(f'{{"successes": {lie}}}' for lie in ["1000001", "9" * 400, "9" * 5000]),
    ],
)
def test_unreadable_files_promise_nothing(tmp_path, text):
    (tmp_path / "0_stats.json").write_text(text)
    (tmp_path / "0.parquet").write_bytes(b"PAR1 no")
    assert find_promise(tmp_path / "0.tar") is None


def test_a_pipe_or_folder_of_that_name_promises_nothing(tmp_path):
    os.mkfifo(tmp_path / "0_stats.json")  # opening it would wait for a writer
    (tmp_path / "0.parquet").mkdir()
    assert find_promise(tmp_path / "0.tar") is None


def test_stats_that_are_not_utf8_or_far_too_long_promise_nothing(tmp_path, monkeypatch):
    path = tmp_path / "0_stats.json"
    path.write_bytes(b'{"successes": 3, "x": "\xff"}')
    assert find_promise(tmp_path / "0.tar") is None
    path.write_text('{"successes": 3}')
    monkeypatch.setattr("slug_lightning.data.promises.MAX_STATS_BYTES", 15)
    assert find_promise(tmp_path / "0.tar") is None


def test_mutated_files_promise_a_plausible_number_or_nothing(tmp_path):
    rng = random.Random(4)
    files = {
        "0_stats.json": json.dumps({"count": 30, "successes": 20, "status_dict": {"success": 20}}).encode()
    }
    write_parquet(tmp_path / "0.parquet", status=["success", "failed"] * 50, url=[str(i) for i in range(100)])
    files["0.parquet"] = (tmp_path / "0.parquet").read_bytes()
    promised = 0
    for name, whole in files.items():
        for other in files:
            (tmp_path / other).unlink(missing_ok=True)
        for _ in range(300):
            data = bytearray(whole[: rng.randrange(len(whole)) if rng.random() < 0.3 else None])
            for _ in range(rng.randint(0, 4) if data else 0):
                data[rng.randrange(len(data))] = rng.randrange(256)
            (tmp_path / name).write_bytes(bytes(data))
            promise = find_promise(tmp_path / "0.tar")
            assert promise is None or 0 <= promise.pairs <= MAX_PAIRS
            promised += promise is not None
    assert 30 < promised < 570
