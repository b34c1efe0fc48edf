"""Resuming, failing and summing up, without models: the cells' work is replaced."""

import json

import pytest
import torch
from safetensors.torch import save_file

from slug_lightning.comparison import cell as cell_module
from slug_lightning.comparison import compare as compare_module
from slug_lightning.comparison.compare import compare, write_tables
from slug_lightning.comparison.request import cell_file
from slug_lightning.curation.executors import Here
from slug_lightning.errors import BadDataError, SettingError
from tests.comparison.conftest import cell as made


@pytest.fixture
def work(monkeypatch):
    """Cells that are measured, in order; methods named in ``broken`` raise."""
    done, broken = [], set()

    def measure(task):
        done.append((task.cell.method, task.cell.concept))
        if done[-1] in broken:
            raise BadDataError("Expected pairs but got none.")
        content = made(task.cell.method, task.cell.concept, task.cell.seed)
        return {name: value for name, value in content.items() if name != "cell"}

    monkeypatch.setattr(cell_module, "_measure", measure)
    monkeypatch.setattr(compare_module, "run_apart", cell_module.run_cell)
    return done, broken


def test_a_second_call_runs_nothing_and_gives_the_same_table(request_of, work, tmp_path):
    request = request_of({"SLUG": {}, "SSD": {}}, concepts=["three", "seven"])
    first = compare(request, tmp_path, Here(), lambda line: None)
    assert len(work[0]) == 6
    table = (tmp_path / "comparison.md").read_text()
    assert compare(request, tmp_path, Here(), lambda line: None) == first
    assert len(work[0]) == 6
    assert (tmp_path / "comparison.md").read_text() == table
    assert (tmp_path / "comparison.png").is_file()
    assert (tmp_path / "comparison_dark.png").is_file()


def test_more_seeds_run_only_what_is_new(request_of, work, tmp_path):
    compare(request_of(), tmp_path, Here(), lambda line: None)
    found = compare(request_of(seeds=[0, 1]), tmp_path, Here(), lambda line: None)
    assert len(work[0]) == 4
    assert [row["cells"] for row in found["rows"]] == [2, 2]


def test_one_failed_cell_is_named_and_loses_no_other(request_of, work, tmp_path):
    request = request_of({"SLUG": {}, "SSD": {}}, concepts=["three", "seven"])
    work[1].add(("SSD", "three"))
    lines = []
    found = compare(request, tmp_path, Here(), lines.append)
    assert len(found["cells"]) == 5
    assert found["failed"] == [
        {
            "cell": {"method": "SSD", "concept": "three", "seed": 0},
            "error": "BadDataError: Expected pairs but got none.",
        }
    ]
    assert "SSD, three, seed 0: failed" in lines[2]
    assert "- SSD, three, seed 0: BadDataError: Expected pairs" in (tmp_path / "comparison.md").read_text()
    work[1].clear()
    found = compare(request, tmp_path, Here(), lambda line: None)  # tried again, alone
    assert len(work[0]) == 7
    assert found["failed"] == []
    assert len(found["cells"]) == 6


def test_a_comparison_that_was_stopped_says_what_is_missing(request_of, work, tmp_path):
    request = request_of(concepts=["three", "seven"])
    compare(request, tmp_path, Here(), lambda line: None)
    cell_file(tmp_path, request.cells()[-1]).unlink()
    found = write_tables(request, tmp_path)
    assert found["missing"] == [{"method": "SLUG", "concept": "seven", "seed": 0}]
    assert "1 cells are still to be run" in (tmp_path / "comparison.md").read_text()
    assert json.loads((tmp_path / "comparison.json").read_text()) == json.loads(json.dumps(found))


def test_distances_are_to_the_gold_standard_of_the_same_concept(request_of, work, tmp_path):
    request = request_of(concepts=["three", "seven"], gold={"seven": "local-dir:g"})
    request.gold["nobody"] = "local-dir:g"
    lines = []
    found = compare(request, tmp_path, Here(), lines.append)
    assert lines[0] == "The gold standard of 'nobody' is not used: that is none of the concepts."
    assert "distances to it, are of seven." in (tmp_path / "comparison.md").read_text()
    distances = {(c["cell"]["method"], c["cell"]["concept"]): c["distance"] for c in found["cells"]}
    assert distances["SLUG", "three"] is None
    assert distances["SLUG", "seven"] == {"concept": 0.0, "rest": 0.0}
    assert all("classes" not in cell for cell in found["cells"])


def test_a_cell_that_saw_other_images_than_the_gold_standard_has_no_distance_and_the_page_says_so(
    request_of, work, tmp_path
):
    request = request_of(gold={"seven": "local-dir:g"})
    compare(request, tmp_path, Here(), lambda line: None)
    gold = cell_file(tmp_path, request.cells()[1]).with_suffix(".classes.safetensors")
    save_file({"forget": torch.full((3, 2), 0.5), "identities": torch.ones(1, 2)}, gold)
    found = write_tables(request, tmp_path)
    assert [entry["method"] for entry in found["other_images"]] == ["Original", "SLUG"]
    assert "2 cells have no distance" in (tmp_path / "comparison.md").read_text()
    assert [row["figures"]["distance_concept"] for row in found["rows"][::2]] == [None, None]


def test_settings_that_cannot_be_read_stop_it_before_the_first_cell(request_of, work, tmp_path):
    with pytest.raises(SettingError, match="'SSD' cannot be read"):
        compare(request_of({"SLUG": {}, "SSD": {"selections": "many"}}), tmp_path, Here())
    assert work[0] == []
