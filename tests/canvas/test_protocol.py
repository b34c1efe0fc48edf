import json

import pytest

from slug_lightning.canvas.protocol import Cell, load_protocol
from slug_lightning.errors import BadDataError, ConceptNotFoundError, DataNotFoundError
from slug_lightning.miniature.diffusion.generation import GUIDANCE, STEPS
from slug_lightning.miniature.diffusion.prompts import PROMPT, all_prompts
from slug_lightning.miniature.layouts import names_of


@pytest.fixture(scope="module")
def canvas():
    return load_protocol("unlearncanvas")


def test_the_benchmark_has_the_published_numbers(canvas):
    assert (len(canvas.themes), len(canvas.styles), len(canvas.objects)) == (51, 50, 20)
    assert canvas.seeds == (188, 288, 588, 688, 888)
    assert (canvas.steps, canvas.guidance, canvas.size, canvas.references) == (100, 9.0, 512, 5)
    assert len(list(canvas.cells())) == 51 * 20 * 5
    assert list(canvas.themes) == sorted(canvas.themes)  # the order of the classifier's classes
    assert list(canvas.objects) == sorted(canvas.objects)


def test_prompts_and_files_are_spelled_as_the_scripts_spell_them(canvas):
    cell = Cell(canvas.themes.index("Van_Gogh"), canvas.objects.index("Bears"), 188)
    assert canvas.prompt(cell) == "A Bears image in Van Gogh style."
    assert canvas.file_name(cell) == "Van_Gogh_Bears_seed188.jpg"
    assert len({canvas.file_name(cell) for cell in canvas.cells()}) == 5100


def test_images_of_the_target_can_be_left_out(canvas):
    without = list(canvas.cells(without="Crayon"))
    assert len(without) == 50 * 20 * 5
    assert all(canvas.themes[cell.theme] != "Crayon" for cell in without)
    assert len(list(canvas.cells(without="Dogs"))) == 51 * 19 * 5


def test_photographs_are_no_target_and_a_slip_has_near_misses(canvas):
    assert canvas.kind("Crayon") == "style"
    assert canvas.kind("Dogs") == "object"
    with pytest.raises(
        ConceptNotFoundError, match="a style or an object of 'unlearncanvas' but got 'Van Gogh'"
    ):
        canvas.kind("Van Gogh")
    with pytest.raises(ConceptNotFoundError, match="Closest"):
        canvas.kind("Seed_Images")


def test_the_miniature_one_is_that_of_the_miniature_stable_diffusion():
    mini = load_protocol("miniature")
    assert [name.replace("_", " ") for name in mini.themes] == list(names_of("styles"))
    assert list(mini.objects) == list(names_of("digits"))
    assert (mini.steps, mini.guidance) == (STEPS, GUIDANCE)
    ours = {mini.prompt(cell) for cell in mini.cells()}
    assert ours == set(all_prompts(PROMPT))


def test_a_protocol_of_ones_own_is_read_and_a_broken_one_is_refused(tmp_path):
    content = {
        "name": "mine", "source": "me", "template": "a {object} by {theme}", "themes": ["A", "B"],
        "objects": ["x"], "seeds": [1], "steps": 2, "guidance": 1.0, "size": 8, "references": 1,
    }  # fmt: skip
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(content))
    assert load_protocol(path).prompt(Cell(1, 0, 1)) == "a x by B"
    path.write_text(json.dumps({**content, "template": "a {object}"}))
    with pytest.raises(BadDataError, match="a template without {theme}"):
        load_protocol(path)
    path.write_text(json.dumps({**content, "seeds": [1, 1]}))
    with pytest.raises(BadDataError, match="seeds that are none or come twice"):
        load_protocol(path)
    path.write_text("[1]")
    with pytest.raises(BadDataError, match="but got: a list"):
        load_protocol(path)
    with pytest.raises(DataNotFoundError, match="Closest: .'unlearncanvas'"):
        load_protocol("unlearn_canvas")
