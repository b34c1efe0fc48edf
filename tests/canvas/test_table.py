import re

import pytest

from slug_lightning.canvas.protocol import load_protocol
from slug_lightning.canvas.results import Averages
from slug_lightning.canvas.table import canvas_table, published_rows


@pytest.fixture
def ours():
    figures = {"UA": 0.9, "IRA": 0.8123, "CRA": 1.0, "CRA_elsewhere": 1.0}
    return Averages(figures, None, 12.345, 39.4, 3.61, 0.0412, 3, 0, ("Crayon",))


def test_every_published_row_has_its_source_and_possible_figures():
    rows = published_rows()
    assert [row["method"] for row in rows] == ["ESD", "FMN", "UCE", "CA", "SalUn", "SLUG (paper)"]
    for row in rows:
        assert row["source"].startswith("https://")
        for figures in filter(None, (row["style"], row["object"])):
            assert all(0 <= value <= 100 for value in figures.values())
    slug = rows[-1]
    assert (slug["style"]["UA"], slug["seconds"], slug["memory_gb"], slug["storage_gb"]) == (
        86.29,
        39,
        3.6,
        0.04,
    )


def test_our_row_stands_beside_the_published_ones(ours):
    table = canvas_table([("ours", ours)], load_protocol("unlearncanvas"))
    lines = table.splitlines()
    assert "| SLUG (paper) | 86.29 |  |  |  |  |  |  | 39 | 3.6 | 0.04 |" in lines
    assert "| ESD | 98.58 | 80.97 | 93.96 | 92.15 | 55.78 | 44.23 | 65.55 | 6,163 | 17.8 | 4.3 |" in lines
    assert "| **ours** | 90.00 | 81.23 | 100.00 |  |  |  | 12.35 | 39 | 3.6 | 0.041 |" in lines
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")}) == 1
    assert "3 of 50 target styles and 0 of 20 target objects" in table
    assert "without a patch, and counted as the original: Crayon." in table
    assert "not comparable" not in table


def test_a_row_of_another_protocol_says_that_it_cannot_be_compared(ours):
    table = canvas_table([("ours", ours)], load_protocol("miniature"))
    assert "'miniature' (10 themes, 10 objects)" in table
    assert "**not comparable** with the published rows" in table
