import pytest

from slug_lightning.cli import main


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
            ["--targets", "[Cryon]"],
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
