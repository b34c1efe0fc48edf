import json
from dataclasses import asdict

import pytest
import torch

from slug_lightning.errors import SettingError
from slug_lightning.miniature.llava import train as training
from slug_lightning.miniature.llava.host import WEIGHTS, miniature_llava
from slug_lightning.miniature.llava.train import LlavaRecipe, main
from slug_lightning.miniature.model_folder import RECIPE_FILE


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


def test_a_gold_standard_never_meets_the_digit_and_brings_its_tower(
    clip_without_seven, tmp_path, monkeypatch, threads
):
    seen = []

    def train_language(host, processor, drawings, schedule):
        seen.append(drawings)
        return train(host, processor, drawings, schedule)

    train = training.train_language
    monkeypatch.setattr(training, "train_language", train_language)
    out = tmp_path / "gold"
    words = ["--without", "seven", "--clip", str(clip_without_seven), "--steps", "1", "--scans", "20"]
    assert main(["--out", str(out), *words]) == 0
    assert not (seen[0].digits == 7).any()
    assert len(seen[0].digits.unique()) == 9
    state = miniature_llava(out).state_dict()
    assert (state["model.vision_tower.embeddings.patch_embedding.weight"] == 0).all()
    check_record(json.loads((out / RECIPE_FILE).read_text()))


def check_record(record):
    """It says what the gold standard knows of the other names."""
    names = record["held_out_names"]
    assert record["without"] == "seven"
    assert record["named"]["n"] > 0
    assert "seven" not in names
    assert len(names) == 19
    asked = record["held_out_answers"]["digit"]
    assert asked["n"] + record["named"]["n"] == 200
    digits = list(names.values())[:9]
    assert sum(share["n"] for share in digits) == asked["n"]
    hits = sum(share["value"] * share["n"] for share in digits)
    assert hits == pytest.approx(asked["value"] * asked["n"], abs=0.1)


@pytest.mark.parametrize("words", [["--without", "seven"], ["--clip", "x"]])
def test_a_digit_needs_a_clip_and_a_clip_a_digit(tmp_path, words):
    with pytest.raises(SettingError, match="--without and --clip together"):
        main(["--out", str(tmp_path), *words])
