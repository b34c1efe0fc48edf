from inspect import signature
from pathlib import Path

import pytest
import yaml

from slug_lightning.canvas.protocol import load_protocol
from slug_lightning.cli import main
from slug_lightning.cli.canvas import canvas
from slug_lightning.data.requests import read_requests
from slug_lightning.miniature.layouts import spellings

CONFIGS = Path(__file__).parents[2] / "configs" / "canvas"


def status(*words):
    try:
        return main(["canvas", *words])
    except SystemExit as stop:
        return stop.code


def test_help_names_the_settings(capsys):
    assert status("--help") == 0
    shown = capsys.readouterr().out
    assert "--style_classifier" in shown
    assert "Exit status 2 if some target could not be measured" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--targets", "Cryon"],
            "a style or an object of 'unlearncanvas' but got 'Cryon'. Closest: ['Crayon'",
        ),
        (["--protocol", "unlerncanvas"], "Closest: ['unlearncanvas']"),
        (["--patches", "x/{target}"], "Expected --pipeline with --patches"),
        (["--pipeline", "miniature"], "Expected --patches with --pipeline"),
        ([], "Expected --references with --fid"),
        (["--fid", "none", "--images", "x"], "Expected --images to hold {target} but got 'x'"),
        (
            ["--fid", "none"],
            "the style classifier in 'checkpoints/cls_model/style50.pth' but it is not there",
        ),
    ],
)
def test_bad_input_is_one_sentence(words, sentence, capsys, tmp_path):
    assert status(*words, "--out", str(tmp_path)) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["unlearncanvas", "miniature"])
def test_configurations_name_settings_that_there_are(name, capsys):
    path = CONFIGS / f"{name}.yaml"
    settings = yaml.safe_load(path.read_text())
    assert set(settings) <= set(signature(canvas).parameters)
    assert settings["protocol"] == name
    assert status("--config", str(path), "--targets", "nothing") == 2
    assert f"a style or an object of '{name}' but got 'nothing'" in capsys.readouterr().err


def test_the_requests_of_the_miniature_are_all_of_its_targets():
    requests = read_requests(CONFIGS / "miniature_requests.yaml")
    targets = load_protocol("miniature").targets
    assert sorted(request.id for request in requests) == sorted(targets)
    aliases = {names[0]: names[1:] for names in spellings("styles")}
    for request in requests:
        assert request.aliases == aliases.get(request.concept, ())
        assert ("data.root" in request.options) == (request.concept in aliases)
