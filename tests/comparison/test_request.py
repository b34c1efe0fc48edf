import pytest

from slug_lightning.comparison.request import GOLD, ORIGINAL, Cell, Request, cell_file
from slug_lightning.errors import SettingError


def make(**changes):
    settings = {"methods": {"SLUG": {}, "SSD": {}}, "data": {"root": "w"}, "concepts": ["three", "seven"]}
    return Request(**{**settings, **changes})


def test_every_cell_comes_once_whole_seeds_first_references_before_methods():
    cells = make(seeds=[0, 1], gold={"seven": "local-dir:g"}).cells()
    assert len(cells) == len(set(cells)) == 2 * (3 + 4)
    assert [cell.seed for cell in cells] == [0] * 7 + [1] * 7
    assert [c.method for c in cells[3:7]] == [ORIGINAL, GOLD, "SLUG", "SSD"]
    assert [c.method for c in cells[:3]] == [ORIGINAL, "SLUG", "SSD"]


def test_a_key_changes_with_what_its_cell_depends_on_and_nothing_else():
    cell, base = Cell("SLUG", "seven", 0), make()
    assert base.key(cell) == make(concepts=["seven"], seeds=[0, 1, 2]).key(cell)
    assert base.key(cell) == make(methods={"SLUG": {}, "SSD": {"seed": 1}}).key(cell)
    others = [
        make(methods={"SLUG": {"direction": "retain_aware"}}),
        make(data={"root": "v"}),
        make(model="ViT-B-32"),
    ]
    keys = {request.key(cell) for request in others} | {base.key(Cell("SLUG", "seven", 1))}
    assert len(keys) == 4
    assert base.key(cell) not in keys


def test_a_gold_standard_that_comes_later_changes_no_other_cell():
    cell, gold = Cell("SLUG", "seven", 0), Cell(GOLD, "seven", 0)
    later = make(gold={"seven": "local-dir:g"})
    assert make().key(cell) == later.key(cell)
    assert later.key(gold) != make(gold={"seven": "local-dir:h"}).key(gold)


def test_a_gold_standard_that_was_trained_again_is_another_cell(tmp_path):
    cell, request = Cell(GOLD, "seven", 0), make(gold={"seven": f"local-dir:{tmp_path}"})
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"too few steps")
    first = request.key(cell)
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"enough")
    assert request.key(cell) != first


def test_cells_have_files_of_their_own(tmp_path):
    cells = make(concepts=["a b", "a/b c", "d"], seeds=[0, 1], methods={"../../x": {}}).cells()
    files = {cell_file(tmp_path, cell) for cell in cells}
    assert len(files) == len(cells)
    assert all(file.is_relative_to(tmp_path / "cells") for file in files)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": {}}, "at least one of methods, concepts and seeds"),
        ({"seeds": []}, "at least one of methods, concepts and seeds"),
        ({"concepts": ["three", "three"]}, "each of concepts once"),
        ({"methods": {"Original": {}}}, "other names than .'Original'."),
        ({"methods": {"A b": {}, "A_b": {}}}, "'A b, three, seed 0' and 'A_b, three, seed 0' would share"),
        ({"concepts": ["Tom Hanks", "Tom_Hanks"]}, "would share a file. Rename one"),
        ({"methods": {"..": {}}}, "names for methods and concepts, but got '.., three"),
        ({"concepts": [" "]}, "names for methods and concepts"),
    ],
)
def test_a_request_that_makes_no_table_is_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        make(**changes)
