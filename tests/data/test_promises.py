import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slug_lightning.data.promises import Promise, find_promise


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
    "text", ["", "[1, 2]", '{"successes": "many"}', '{"successes": true}', '{"successes": -1}', "{"]
)
def test_unreadable_files_promise_nothing(tmp_path, text):
    (tmp_path / "0_stats.json").write_text(text)
    (tmp_path / "0.parquet").write_bytes(b"PAR1 no")
    assert find_promise(tmp_path / "0.tar") is None
