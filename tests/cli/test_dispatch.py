"""The dispatcher, tested as a user meets it."""

import subprocess
import sys

import pytest

from slug_lightning import __version__
from slug_lightning.cli import COMMANDS, main


def test_help_lists_every_command_and_imports_nothing_heavy():
    code = "import sys; from slug_lightning.cli import main; main(['--help']); print(sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    usage, modules = out.rsplit("[", 1)
    assert all(f"  {name}" in usage for name in COMMANDS)
    for heavy in ("'torch'", "'lightning'", "'numpy'", "'jsonargparse'"):
        assert heavy not in modules


def test_classes_of_the_folder_it_is_called_in_are_found_and_hide_nothing(tmp_path):
    (tmp_path / "my_method.py").write_text("")
    (tmp_path / "json.py").write_text("raise SystemExit('hidden')")
    program = "from slug_lightning.cli import main; main(['--version']); import my_method, json"
    # -I: what the command's script sees, in whose path the folder is not.
    subprocess.run([sys.executable, "-I", "-c", program], cwd=tmp_path, check=True)


def test_python_m_is_the_same(capsys):
    main([])
    shown = capsys.readouterr().out
    out = subprocess.run(
        [sys.executable, "-m", "slug_lightning"], capture_output=True, text=True, check=True
    ).stdout
    assert out == shown


def test_version(capsys):
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


def test_unknown_command_is_one_sentence_with_a_near_miss(capsys):
    assert main(["validat"]) == 2
    assert "Closest: ['validate'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "curate", "apply", "revert", "inspect", "report"])
def test_each_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"slug {command}" in capsys.readouterr().out
