"""Killed at any moment, a run leaves no half file under a final name, and runs again."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import yaml
from PIL import Image
from safetensors import safe_open

from slug_lightning.reports.tables import read_layers, read_search
from tests.helpers import fit, words


def opens(path):
    """Whether the file is whole, by reading it as what its name says."""
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            return all(file.get_tensor(key) is not None for key in file.keys())  # noqa: SIM118
    if path.suffix == ".json":
        return bool(json.loads(path.read_text()))
    if path.suffix == ".yaml":
        return yaml.safe_load(path.read_text()) is not None
    if path.suffix == ".csv":
        return bool((read_layers if path.name == "layers.csv" else read_search)(path))
    if path.suffix == ".png":
        with Image.open(path) as image:
            image.load()
        return True
    if path.suffix == ".html":
        return path.read_text().rstrip().endswith("</html>")
    return True


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_killed_at_a_random_moment(tiny_world, tmp_path, seed):
    line = [sys.executable, "-m", "slug_lightning", *words(tiny_world, tmp_path)]
    process = subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "runs").glob("*/*")) and time.monotonic() < deadline:
        time.sleep(0.05)  # imports leave nothing; moments are counted from the first file on
    time.sleep(random.Random(seed).uniform(0, 4))
    if process.poll() is None:  # a quick machine may be done, and all files must be whole then, too
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    final = [p for p in (tmp_path / "runs").rglob("*") if p.is_file() and not p.name.endswith(".tmp")]
    # hparams.yaml is TensorBoard's own, and so are the event files, which are logs and may end anywhere.
    ours = [p for p in final if "tfevents" not in p.name and p.name != "hparams.yaml"]
    assert all(opens(path) for path in ours)
    again = tmp_path / "again"
    assert (fit(tiny_world, again) / "report.html").is_file()
