import json

import pytest
import yaml

from slug_lightning.cli import main
from tests.test_configs import CONFIGS

CONFIG = CONFIGS[0].parent / "compare_miniature.yaml"
SMALL = {
    "SLUG": {"search": {"evaluations": 2, "layers": ["text_projection"]}},
    "GradientAscent": {"learning_rates": [0.001], "updates": [2, 6]},
}


def words(world, out, *more, concept="seven", methods=SMALL):
    data = {**yaml.safe_load(CONFIG.read_text())["data"], "root": str(world), "retain_sample": 64}
    data |= {"forget_sample": 32, "group_size": 32}
    return [
        *("compare", "--config", str(CONFIG), "--out", str(out), "--methods", json.dumps(methods)),
        *("--data", json.dumps(data), "--concepts", concept, "--seeds", "0", *more),
    ]


def test_the_configuration_is_what_the_issue_asks_for():
    settings = yaml.safe_load(CONFIG.read_text())
    assert set(settings["methods"]) == {
        "SLUG", "SLUG, whole front", "FineTune", "GradientAscent", "GradientAscentFineTune", "SalUn", "SSD",
    }  # fmt: skip
    assert len(settings["concepts"]) == 10
    assert settings["seeds"] == [0, 1, 2]
    axes = ("learning_rates", "updates", "selections", "dampenings")
    grids = [[len(given[axis]) for axis in axes if axis in given] for given in settings["methods"].values()]
    budgets = {one * other for one, other in (grid for grid in grids if grid)}
    assert budgets == {25}  # equal for all that have a grid
    assert settings["methods"]["SLUG"]["search"]["most_points"] == 25


def test_a_small_comparison_from_the_command_line(tiny_world, tmp_path, capsys):
    assert main(words(tiny_world, tmp_path / "out")) == 0
    said = capsys.readouterr().out
    assert "[3/3] GradientAscent, seven, seed 0: done" in said
    assert "| SLUG | 1 |" in said
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert [row["method"] for row in found["rows"]] == ["Original", "SLUG", "GradientAscent"]
    assert found["rows"][2]["trials"] == 2
    assert main(words(tiny_world, tmp_path / "out")) == 0
    assert "[3/3] GradientAscent, seven, seed 0: kept" in capsys.readouterr().out
    assert main(words(tiny_world, tmp_path / "other", "--tables_only", "true")) == 0
    assert "3 cells are still to be run" in capsys.readouterr().out


def test_a_concept_that_is_not_there_fails_its_cells_and_the_status_says_so(tiny_world, tmp_path, capsys):
    assert main(words(tiny_world, tmp_path / "out", concept="sevn", methods={"SLUG": SMALL["SLUG"]})) == 1
    assert "Failed cells" in capsys.readouterr().out


@pytest.mark.slow
def test_all_methods_forget_a_digit_and_ray_gives_the_same_cells(tiny_world, tmp_path):
    methods = yaml.safe_load(CONFIG.read_text())["methods"]
    for given in methods.values():
        if "updates" in given:
            given["updates"], given["learning_rates"] = [4, 8], [0.001, 0.003]
    assert main(words(tiny_world, tmp_path / "here", methods=methods)) == 0
    assert main(words(tiny_world, tmp_path / "ray", "--executor", "ray", "--workers", "2")) == 0
    assert main(words(tiny_world, tmp_path / "again")) == 0
    ray, again, here = (
        json.loads((tmp_path / name / "comparison.json").read_text()) for name in ("ray", "again", "here")
    )
    for one, other in zip(ray["cells"], again["cells"], strict=True):
        assert (one["metrics"], one["edit"], one["trials"]) == (
            other["metrics"],
            other["edit"],
            other["trials"],
        )
    assert [row["method"] for row in here["rows"]] == ["Original", *methods]
    able = {row["method"]: row["figures"] for row in here["rows"] if row["feasible"]}
    assert {"SLUG", "GradientAscent", "GradientAscentFineTune", "SalUn"} <= set(able)
    assert able["SLUG"]["stored"]["mean"] < 0.2 * able["SalUn"]["stored"]["mean"]
