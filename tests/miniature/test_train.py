import json

import pytest

from slug_lightning.errors import ConceptNotFoundError
from slug_lightning.miniature import train as module
from slug_lightning.miniature.model_folder import checksum
from slug_lightning.miniature.pretraining import TrainingRecipe
from slug_lightning.miniature.train import compare, main, train
from slug_lightning.miniature.without import rows_without
from slug_lightning.models.loading import load_clip, miniature_folder

SHORT = TrainingRecipe(steps=3, warmup=2, batch_size=16)


@pytest.fixture(scope="module")
def trained(small_world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "model"
    return folder, train(small_world, folder, SHORT)


def test_the_folder_holds_a_model_and_says_how_it_was_made(trained, small_world):
    folder, held_out = trained
    assert load_clip(f"local-dir:{folder}").tokenize(["seven."]).shape == (1, 24)
    record = json.loads((folder / "recipe.json").read_text())
    assert record["weights_sha256"] == checksum(folder)
    assert record["training"]["steps"] == 3
    assert record["world"]["digest"] == small_world.recipe.digest()
    assert record["held_out_top1"]["classes/final"]["n"] == 60
    assert set(record["held_out_top1"]) == set(held_out.accuracies)
    assert record["made_with"]["torch"]


def test_a_model_compared_with_itself_is_equal(trained, small_world):
    said = compare(small_world, trained[0], trained[0])
    assert "mean cosine of the embeddings: 1.0000" in said
    assert "weights: equal, bit for bit" in said


def test_another_model_is_said_to_be_another(trained, small_world):
    said = compare(small_world, trained[0], miniature_folder())
    assert "weights: not equal" in said
    assert "identities/final" in said


def test_the_command_trains_and_compares(small_world, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "build_world", lambda root: small_world)
    monkeypatch.setattr(module, "TrainingRecipe", lambda: SHORT)
    monkeypatch.setattr(module.TrainingRecipe, "steps", 3, raising=False)
    assert main(["--out", str(tmp_path / "new"), "--steps", "2"]) == 0
    assert json.loads((tmp_path / "new" / "recipe.json").read_text())["training"]["steps"] == 2
    assert "retrained" in capsys.readouterr().out


def test_a_model_without_a_digit_says_so_and_saw_fewer_pairs(small_world, tmp_path):
    train(small_world, tmp_path / "model", SHORT, without="seven")
    record = json.loads((tmp_path / "model" / "recipe.json").read_text())
    assert record["without"] == "seven"
    assert record["pairs"] == len([row for row in rows_without(small_world.recipe, "seven") if row.fetched])


def test_a_word_that_is_no_digit_is_refused_before_anything_is_built(tmp_path):
    with pytest.raises(ConceptNotFoundError, match="but got 'sevn'. Closest: .'seven'"):
        main(["--without", "sevn", "--world", str(tmp_path / "world")])
    assert not (tmp_path / "world").exists()
