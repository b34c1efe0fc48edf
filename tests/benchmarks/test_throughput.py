"""The throughput benchmark, on a CPU and with the smallest model."""

import json

from benchmarks.throughput import WARM, main


def test_both_sides_are_timed_and_written_down(tmp_path, capsys):
    folders = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    run = ["--model", "miniature", "--batch", "8", "--batches", "2", "--workers", "0"]
    main([*run, "--accelerator", "cpu", "--precision", "32-true", *folders])
    (row,) = json.loads((tmp_path / "out" / "throughput.json").read_text())["rows"]
    assert row["bare"]["pairs_per_second"] > 0
    assert row["ours"]["computing_pairs_per_second"] >= row["ours"]["pairs_per_second"] > 0
    assert len(list((tmp_path / "data").glob(f"throughput-{8 * (WARM + 2)}/laion/*.tar"))) == 1
    assert "| miniature | 8 |" in capsys.readouterr().out
