"""The weights in the repository are what their recipe says, and as good as is claimed."""

import json

import pytest

from slug_lightning.miniature.held_out import measure
from slug_lightning.miniature.model_folder import checksum
from slug_lightning.miniature.world import build_world
from slug_lightning.models.loading import load_clip, miniature_folder

GOALS = {"identities": 0.97, "classes": 0.99}


@pytest.fixture(scope="module")
def recipe():
    return json.loads((miniature_folder() / "recipe.json").read_text())


@pytest.fixture(scope="module")
def accuracies(tmp_path_factory):
    world = build_world(tmp_path_factory.mktemp("full") / "world")
    return measure(load_clip("miniature"), world).accuracies


def test_the_weights_are_those_of_the_recipe(recipe):
    assert checksum(miniature_folder()) == recipe["weights_sha256"]


def test_the_recipe_is_that_of_the_code(recipe):
    from dataclasses import asdict

    from slug_lightning.miniature.pretraining import TrainingRecipe
    from slug_lightning.miniature.recipe import WorldRecipe

    assert recipe["training"] == asdict(TrainingRecipe())
    assert recipe["world"]["digest"] == WorldRecipe().digest()


@pytest.mark.parametrize("kind", GOALS)
@pytest.mark.parametrize("split", ["search", "final"])
def test_held_out_accuracy_meets_the_goal_and_the_record(kind, split, recipe, accuracies):
    accuracy = accuracies[f"{kind}/{split}"]
    assert accuracy.value >= GOALS[kind]
    recorded = recipe["held_out_top1"][f"{kind}/{split}"]
    assert accuracy.n == recorded["n"] == {"search": 800, "final": 500}[split]
    # One JPEG decoder may differ from another in a pixel, and so in a borderline image.
    assert accuracy.value == pytest.approx(recorded["value"], abs=0.005)


def test_the_model_is_small():
    size = sum(path.stat().st_size for path in miniature_folder().iterdir() if path.suffix != ".md")
    assert size <= 3_900_000
