"""`slug` searches by what a host does, with a metric of the user's own, named in YAML."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from slug_lightning.errors import ConceptNotFoundError, SettingError
from slug_lightning.hosts import ClipJudge, GeneratedImages
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch
from slug_lightning.unlearning import SLUG
from tests.helpers import fit, words
from tests.hosts.nearest_states import NearestStates

OVERLAY = """
model:
  class_path: SLUG
  init_args:
    model: miniature
    search:
      evaluations: 5
    host_metric:
      class_path: tests.hosts.nearest_states.NearestStates
      init_args:
        wordings: 5
"""


@pytest.fixture(scope="module")
def overlay(tmp_path_factory):
    path = tmp_path_factory.mktemp("overlay") / "host.yaml"
    path.write_text(OVERLAY)
    return path


@pytest.fixture(scope="module")
def searched(tiny_run, tiny_world, overlay, tmp_path_factory):
    """A search on the host from saved gradients."""
    more = ["--config", str(overlay), "--gradients", str(tiny_run / "gradients.safetensors")]
    return fit(tiny_world, tmp_path_factory.mktemp("searched"), *more, command="validate", status=None)


def report(folder):
    return json.loads((folder / "report.json").read_text())


def test_the_trace_holds_the_hosts_figures_of_layers_that_it_reads(searched):
    with (searched / "search.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["tower"] for row in rows} == {"text"}
    assert "text_projection" not in {row["layer"] for row in rows}
    assert {row["layer"] for row in rows} > set()
    for row in rows:
        assert row["feasible"] == ("true" if float(row["forget/host"]) == 0 else "false")
        assert bool(row["retain/host_digit"]) == (row["feasible"] == "true")


def test_the_report_says_what_host_and_clip_do_and_how_it_was_measured(searched):
    found = report(searched)
    assert found["criterion"] == {"metric": "forget/host", "target": 0.0, "measured_on": "search"}
    assert {"forget/top1", "forget/host", "retain/host_digit", "retain/imagenet_top1"} <= set(
        found["metrics"]
    )
    assert found["labels"]["forget/host"] == "captions of seven recognised by the encoder"
    assert found["host"]["metric"] == "tests.hosts.nearest_states.NearestStates"
    assert len(found["host"]["wordings"]) == 5
    assert found["metrics"]["forget/host"]["before"]["n"] == 7
    assert "On the host" in (searched / "report.html").read_text()
    assert (searched / "figures" / "host.png").is_file()


def test_the_patch_does_to_a_host_what_the_report_says(searched):
    found, metric = report(searched), NearestStates(wordings=5)
    host = metric.load()
    with Patch.load(searched / "patch.safetensors").applied(host):
        after = metric.measure("seven", ["forget", "digit"], "final")
    for name, mine in (("forget/host", after["forget"]), ("retain/host_digit", after["digit"])):
        assert found["metrics"][name]["after"]["value"] == mine.value


def test_a_patch_is_measured_on_the_host_too(searched, tiny_world, overlay, tmp_path, capsys):
    patch = ["--config", str(overlay), "--patch", str(searched / "patch.safetensors")]
    measured = fit(tiny_world, tmp_path / "patched", *patch, command="validate")
    found = json.loads((measured / "metrics.json").read_text())["metrics"]
    assert found == {name: entry["after"] for name, entry in report(searched)["metrics"].items()}
    assert "captions of seven recognised by the encoder" in capsys.readouterr().out


def test_the_configuration_of_the_run_repeats_it(searched, tiny_world, tiny_run, tmp_path):
    saved = ["--config", str(searched / "config.yaml"), "--trainer.default_root_dir", str(tmp_path)]
    saved += ["--gradients", str(tiny_run / "gradients.safetensors")]
    again = fit(tiny_world, tmp_path, *saved, command="validate", status=None)
    assert (again / "search.csv").read_bytes() == (searched / "search.csv").read_bytes()


def test_the_criterion_follows_the_metric():
    assert SLUG(host_metric=NearestStates()).search.criterion == "host"
    assert SLUG().search.criterion == "top1"


class Data:
    """As much of a data module as settings are checked against."""

    concept, concept_in = "seven", "identities"

    def prompts(self): ...

    def class_names(self, source):
        return ["seven"] * 10


@pytest.mark.parametrize(
    ("metric", "criterion", "said"),
    [
        (NearestStates(), "top5", "criterion host with model.host_metric .* but got 'top5'"),
        (None, "host", "but got 'host'. Leave the criterion out"),
    ],
)
def test_a_criterion_of_another_kind_is_refused(metric, criterion, said):
    module = SLUG(host_metric=metric)
    module.search = module.search.__class__(criterion=criterion)
    with pytest.raises(SettingError, match=said):
        module.check_settings(Data())


def test_a_concept_that_the_metric_does_not_know_is_refused_before_anything_is_written():
    module, data = SLUG(host_metric=NearestStates()), Data()
    data.concept = "cat"
    with pytest.raises(ConceptNotFoundError, match="Expected a digit, but got 'cat'"):
        module.check_settings(data)


def test_candidates_are_what_the_live_host_reads():
    module = SLUG(host_metric=NearestStates())
    module.load()
    assert len(module.candidates()) == 16
    assert {name.split(".")[0] for name in module.candidates()} == {"transformer"}
    assert load_clip("miniature").name == "miniature"


def test_generated_images_can_be_named_and_set_on_the_command_line(capsys, tmp_path):
    from slug_lightning.cli.lightning import build

    judge = {"class_path": "slug_lightning.hosts.ClipJudge", "init_args": {"model": "miniature"}}
    more = ["--model.host_metric", "GeneratedImages", "--model.host_metric.pipeline", "DIR",
            "--model.host_metric.template", "a photo of a {digit}", "--model.host_metric.names",
            '{"digit": ["seven", "two"]}', "--model.host_metric.judges", json.dumps({"digit": judge}),
            "--model.host_metric.sampling.steps", "4"]  # fmt: skip
    cli = build(words(tmp_path, tmp_path, *more, command=""), run=False)
    assert isinstance(cli.model.host_metric, GeneratedImages)
    assert cli.model.host_metric.sampling.steps == 4
    assert cli.model.search.criterion == "host"


def test_the_example_of_the_docs_is_a_configuration(tmp_path):
    from slug_lightning.cli.lightning import build

    root = Path(__file__).parent.parent.parent
    path = tmp_path / "this.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", (root / "docs" / "hosts.md").read_text(), re.S)[1])
    base = ["--config", str(root / "configs" / "stable_diffusion_1_5.yaml"), "--trainer.accelerator", "cpu"]
    metric = build([*base, "--trainer.devices", "1", "--config", str(path)], run=False).model.host_metric
    assert metric.sampling.dtype == "bfloat16"
    assert isinstance(metric.judges["name"], ClipJudge)


@pytest.mark.slow
def test_two_processes_deal_the_points_and_agree_with_one(searched, tiny_run, tiny_world, overlay, tmp_path):
    gradients = ["--gradients", str(tiny_run / "gradients.safetensors")]
    many = ["--trainer.strategy", "ddp", "--trainer.devices", "2"]
    line = words(tiny_world, tmp_path, "--config", str(overlay), *gradients, *many, command="validate")
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "slug_lightning", *line],
        env=quiet,
        timeout=600,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 3), done.stderr[-3000:]
    (folder,) = (tmp_path / "runs").glob("*/*")
    assert (folder / "search.csv").read_bytes() == (searched / "search.csv").read_bytes()
    assert report(folder)["metrics"]["forget/host"] == report(searched)["metrics"]["forget/host"]
