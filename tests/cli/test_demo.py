import inspect

import pytest

from slug_lightning.cli import main
from slug_lightning.cli.demo import demo


def test_the_demo_is_a_fit_on_the_miniature_world(tiny_world, tmp_path, monkeypatch):
    """The world is taken as built; what matters is the command line that follows."""
    called = []
    monkeypatch.setattr("slug_lightning.miniature.world.build_world", lambda root: called.append(root))
    monkeypatch.setattr("slug_lightning.cli.lightning.run", lambda words: called.append(words) or 0)
    assert main(["demo", "--concept", "three", "--data", str(tiny_world)]) == 0
    root, line = called
    assert root == tiny_world
    assert line[0] == "fit"
    assert line[line.index("--data.concept") + 1] == "three"
    assert line[line.index("--data.root") + 1] == str(tiny_world)


def test_unknown_digits_are_refused_before_anything_is_built(tmp_path, capsys):
    assert main(["demo", "--concept", "sevn", "--data", str(tmp_path / "world")]) == 2
    assert "seven" in capsys.readouterr().err
    assert not (tmp_path / "world").exists()


def test_defaults():
    parameters = inspect.signature(demo).parameters
    assert parameters["concept"].default == "seven"


@pytest.mark.slow
def test_the_demo_from_nothing_in_time(tmp_path):
    import subprocess
    import sys
    import time

    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "slug_lightning", "demo"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert time.monotonic() - started < 180  # 90 s on two quiet cores; CI machines are shared
    assert "seven" in done.stdout
    assert len(list((tmp_path / "runs" / "seven").glob("*/report.html"))) == 1
