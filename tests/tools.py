"""Commands that users run beside this package, run by slow proofs exactly as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLACES = (
    os.environ.get("SLUG_TOOLS", ""),  # a folder with the commands, for those who have them elsewhere
    str(Path(__file__).parent.parent / ".venv-tools" / "bin"),
    str(Path(sys.executable).parent),
)


def run_tool(name: str, *arguments: str, cwd: Path) -> str:
    """Run a tool in a folder, in an environment without this package, and return what it printed.

    The test fails if the tool is not there: a proof that can be skipped unnoticed proves nothing.
    """
    found = [place for place in PLACES if place and (Path(place) / name).is_file()]
    if not found:
        pytest.fail(f"The command {name!r} is not in any of {[p for p in PLACES if p]}; run `make tools`.")
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(Path(found[0]) / name), *arguments],
        cwd=cwd,
        env={**plain, "WANDB_MODE": "disabled", "NO_ALBUMENTATIONS_UPDATE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout
