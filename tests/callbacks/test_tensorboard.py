"""What a person who opens TensorBoard finds: asked of its files, and of a real server."""

import io
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from slug_lightning.callbacks.tensorboard import image_grid
from slug_lightning.reports.evidence import Sample
from slug_lightning.reports.report_file import read_report
from slug_lightning.reports.tables import read_search
from tests.reports.run_directory import make_image


@pytest.fixture(scope="module")
def report(tiny_run):
    return read_report(tiny_run / "report.json")


@pytest.fixture(scope="module")
def events(tiny_run):
    accumulator = EventAccumulator(str(tiny_run), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def test_closing_figures_go_from_before_to_after(events, report):
    for name, entry in report["metrics"].items():
        series = events.Scalars(f"final/{name}")
        assert [event.step for event in series] == [0, 1]
        values = [entry["before"]["value"], entry["after"]["value"]]
        assert [event.value for event in series] == pytest.approx(values)


def test_image_grids_are_there_for_both_roles(events):
    assert {"samples/forget", "samples/retain"} <= set(events.Tags()["images"])


def test_a_grid_has_a_row_for_four_images_and_marks_what_is_wrong():
    def sample(after):
        ranking = [("seven", 0.9)]
        return Sample("forget", "identities", "seven", make_image(40), tuple(ranking), ((after, 0.9),))

    right, wrong = image_grid([sample("seven")] * 5), image_grid([sample("one")] * 5)
    assert right.shape == wrong.shape == (540, 960, 3)
    assert right.dtype == np.uint8
    assert reddish(wrong) > reddish(right) == 0


def reddish(pixels):
    red, _, blue = np.moveaxis(pixels.astype(int), -1, 0)
    return int((red - blue > 80).sum())


class Server:
    """A TensorBoard on a free port."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.root = f"http://127.0.0.1:{port}/data"
        words = ["--logdir", str(folder), "--port", str(port), "--host", "127.0.0.1", "--load_fast", "false"]
        program = "from tensorboard.main import run_main; run_main()"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([sys.executable, "-c", program, *words], **quiet)

    def read(self, path, data=None):
        request = urllib.request.Request(f"{self.root}/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as reply:
            return reply.read()

    def ask(self, path, body=None, **query):
        address = path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        return json.loads(self.read(address, None if body is None else json.dumps(body).encode()))

    def wait(self, runs, seconds=240):
        """Until all runs are read; a server that ended, or never gets there, is a failure."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, "TensorBoard ended"
            try:
                tags = self.ask("plugin/scalars/tags")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                tags = {}
            if set(tags) == runs and all("final/feasible" in tags[run] for run in runs):
                return tags
            time.sleep(1)
        raise AssertionError("TensorBoard did not read the runs")


@pytest.fixture(scope="module")
def served(tiny_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    for name in ("one", "two"):
        shutil.copytree(tiny_run, folder / name)
    server = Server(folder)
    try:
        yield server, server.wait({"one", "two"})
    finally:
        server.process.kill()
        server.process.wait()


@pytest.mark.slow
def test_a_real_server_serves_scalars_images_and_rows_to_compare(served, tiny_run, report):
    server, tags = served
    points = server.ask("plugin/scalars/scalars", run="one", tag="search/forget/top1")
    rows = read_search(tiny_run / "search.csv")
    assert [step for _, step, _ in points] == [row.probe for row in rows]
    wanted = [row.metrics["forget/top1"] for row in rows]
    assert [value for _, _, value in points] == pytest.approx(wanted)
    assert {tag.split("/")[0] for tag in tags["one"]} >= {"final", "search", "layers"}

    images = server.ask("plugin/images/tags")["one"]
    assert {"figures/layers", "figures/search", "samples/forget", "samples/retain"} <= set(images)
    shown = server.ask("plugin/images/images", run="one", tag="samples/forget", sample=0)
    assert [image["step"] for image in shown] == [0]
    with Image.open(io.BytesIO(server.read(f"plugin/images/individualImage?{shown[0]['query']}"))) as image:
        assert image.width == 960

    experiment = server.ask("plugin/hparams/experiment", {"experimentName": ""})
    names = {info["name"] for info in experiment["hparamInfos"]}
    assert {"concept", "layer", "step", "forget_target", "forget_loss"} <= names
    metrics = [info["name"] for info in experiment["metricInfos"]]
    assert {"final/forget/top1", "final/feasible"} <= {name["tag"] for name in metrics}
    asked = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
        "colParams": [{"metric": name, "order": "ORDER_UNSPECIFIED"} for name in metrics],
        "startIndex": 0,
        "sliceSize": 10,
    }
    groups = server.ask("plugin/hparams/session_groups", asked)["sessionGroups"]
    runs = [session for group in groups for session in group["sessions"]]
    assert {run["name"] for run in runs} == {"one", "two"}
    for run in runs:
        values = {value["name"]["tag"]: value.get("value", 0.0) for value in run["metricValues"]}
        for name, entry in report["metrics"].items():
            assert values[f"final/{name}"] == pytest.approx(entry["after"]["value"])
