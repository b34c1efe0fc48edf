import json
from dataclasses import asdict

import pytest
import torch

from slug_lightning.miniature.llava.host import WEIGHTS, miniature_llava
from slug_lightning.miniature.llava.train import RECIPE_FILE, LlavaRecipe, main


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_command_writes_a_folder_that_loads(tmp_path, capsys, threads):
    assert main(["--out", str(tmp_path), "--steps", "1", "--scans", "2"]) == 0
    miniature_llava(tmp_path)
    record = json.loads((tmp_path / RECIPE_FILE).read_text())
    assert record["training"]["language"]["steps"] == 1
    assert record["held_out_answers"]["digit"]["n"] == 20
    assert "held-out pictures answered right" in capsys.readouterr().out


def test_the_shipped_record_is_that_of_the_code_and_of_the_goal():
    record = json.loads((WEIGHTS / RECIPE_FILE).read_text())
    assert record["training"] == json.loads(json.dumps(asdict(LlavaRecipe())))
    assert all(record["held_out_answers"][label]["n"] == 5000 for label in ("digit", "style"))
    assert all(record["held_out_answers"][label]["value"] >= 0.95 for label in ("digit", "style"))
