"""The table of the speed benchmark."""

from benchmarks.speed import rows


def run(cpu, extra):
    figures = {"cpu": cpu, "wall": 2 * cpu, "extra": extra, "phases": {"reading": cpu / 4, "adding": 0.0}}
    return {"figures": figures}


def test_rows_give_the_share_of_the_baseline():
    lines = rows(
        {"naive": [run(100.0, 2**30)], "ours": [run(10.0, 2**29), run(12.0, 2**29), run(50.0, 2**29)]}
    )
    assert lines[0] == "| plain loop | 100.0 | 200.0 | 1,024 | reading 25 % |"
    assert lines[1] == "| slug_lightning | 12.0 (1/8.3) | 24.0 (1/8.3) | 512 (0.50) | reading 25 % |"
