"""Each method through the command line, on the tiny world: one run each, shared by the tests."""

import json
from types import SimpleNamespace

import pytest
import torch

from slug_lightning.cli import main
from slug_lightning.cli.lightning import build
from slug_lightning.errors import NonFiniteError, PatchMismatchError
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch, WholePatch, load_patch
from slug_lightning.reports.report_file import read_report
from slug_lightning.unlearning import GradientAscent
from tests.helpers import fit, words
from tests.unlearning.baselines import by_hand, drive

FEW = ["--model.learning_rates", "[0.001, 0.003]", "--model.updates", "[1, 4]"]
METHODS = {
    "FineTune": ("finetune", FEW),
    "GradientAscent": ("gradient_ascent", FEW),
    "GradientAscentFineTune": ("gaft", FEW),
    "SalUn": ("salun", FEW),
    "SSD": ("ssd", ["--model.selections", "[1, 5]", "--model.dampenings", "[0.1, 1]"]),
}
QUICK = ["--data.retain_limit", "64", "--data.group_size", "32", "--data.forget_batch_size", "16"]
QUICK += ["--data.imagenet", "null", "--trainer.logger", "false"]
NO_PAGE = "[{class_path: slug_lightning.callbacks.RunFiles, init_args: {page: false}}]"


@pytest.fixture(scope="module")
def runs(tiny_world, tmp_path_factory):
    """Folder of one finished run per method."""
    found = {}
    for name, (_, more) in METHODS.items():
        page = [] if name == "GradientAscent" else ["--trainer.callbacks", NO_PAGE]
        options = ["--model", name, *more, *QUICK, *page]
        found[name] = fit(tiny_world, tmp_path_factory.mktemp(name), *options, status=None)
    return found


@pytest.mark.parametrize("name", METHODS)
def test_the_report_says_what_was_done(runs, name):
    report = read_report(runs[name] / "report.json")
    assert report["method"] == METHODS[name][0]
    assert report["criterion"]["target"] == 0.0
    assert len(report["search"]) == 4
    assert {tuple(trial["settings"]) for trial in report["search"]} == {tuple(report["grid"])}
    assert report["data"]["forget"]["pairs"] > 0
    assert report["data"]["retain"]["pairs"] > 0
    assert report["layer"] is report["step"] is None
    before = report["metrics"]["retain/identities_top1"]["before"]
    assert before["n"] > 0
    rows = (runs[name] / "search.csv").read_text().splitlines()
    assert len(rows) == 5
    assert rows[0].startswith("probe," + ",".join(report["grid"]))


@pytest.mark.parametrize("name", METHODS)
def test_there_is_a_patch_exactly_where_a_setting_was_feasible(runs, name):
    report = read_report(runs[name] / "report.json")
    path = runs[name] / "patch.safetensors"
    assert path.is_file() == report["feasible"]
    if report["feasible"]:
        assert report["efficiency"]["patch_bytes"] == path.stat().st_size
        assert report["patch"]["bytes"] == path.stat().st_size


def test_the_page_shows_every_setting(runs):
    page = (runs["GradientAscent"] / "report.html").read_text()
    assert "Which setting" in page
    assert page.count("learning rate 0.003") >= 2
    assert "Which layer" not in page


def test_the_figures_before_are_those_of_every_other_method(runs, tiny_run):
    reference = read_report(tiny_run / "report.json")["metrics"]
    for run in runs.values():
        found = read_report(run / "report.json")["metrics"]
        assert len(found) == 4
        assert {n: e["before"] for n, e in found.items()} == {n: reference[n]["before"] for n in found}


@pytest.fixture(scope="module")
def ascended(runs):
    run = runs["GradientAscent"]
    assert read_report(run / "report.json")["feasible"]  # so that there is a patch to test
    return run


def test_validate_with_the_patch_gives_the_figures_after(ascended, tiny_world, tmp_path):
    patch = ascended / "patch.safetensors"
    more = ["--patch", str(patch), "--data.imagenet", "null"]
    cli = build(words(tiny_world, tmp_path, *more, command="validate"))
    found = {name: (a.correct, a.n) for name, a in cli.model.outcome.before.metrics.items()}
    report = read_report(ascended / "report.json")
    assert found == {
        n: (round(e["after"]["value"] * e["after"]["n"]), e["after"]["n"])
        for n, e in report["metrics"].items()
    }
    original = load_clip("miniature").model.state_dict()
    assert all(torch.equal(t, original[n]) for n, t in cli.model.network.state_dict().items())


def test_the_patch_names_what_it_is_and_holds_a_tensor_per_parameter(ascended):
    patch = load_patch(ascended / "patch.safetensors")
    assert isinstance(patch, WholePatch)
    assert patch.header["method"] == "gradient_ascent"
    assert patch.header["setting"].startswith("learning_rate 0.00")
    shapes = {n: w.shape for n, w in load_clip("miniature").model.named_parameters()}
    assert len(patch.updates) > 50
    assert all(shapes[name] == update.shape for name, update in patch.updates.items())


def test_what_takes_patches_of_one_layer_says_why_it_does_not_take_this_one(ascended, tmp_path, capsys):
    patch = str(ascended / "patch.safetensors")
    assert main(["apply", "--patch", patch, "--model", "miniature", "--out", str(tmp_path / "out")]) == 2
    assert "holds the updates of" in capsys.readouterr().err


def test_a_patch_of_a_layer_and_one_of_many_are_not_measured_together(
    ascended, tiny_run, tiny_world, tmp_path, capsys
):
    both = json.dumps([str(run / "patch.safetensors") for run in (tiny_run, ascended)])
    assert main(words(tiny_world, tmp_path, "--patch", both, command="validate")) == 2
    assert "Measure those one by one" in capsys.readouterr().err
    assert isinstance(load_patch(tiny_run / "patch.safetensors"), Patch)


def test_several_concepts_are_for_slug_alone(tiny_world, tmp_path, capsys):
    more = ["--model", "SSD", "--data.concepts", "[seven, three]"]
    assert main(words(tiny_world, tmp_path, *more)) == 2
    assert "Expected the module SLUG for several concepts" in capsys.readouterr().err


def test_when_every_training_diverges_that_is_said(monkeypatch):
    module = by_hand(GradientAscent, (1,) * 4, (1,) * 4, learning_rates=[0.1], updates=[2])
    module.loss_sum = lambda batch: float("nan") * module.network.a.sum() + 0 * module.network.b.sum()
    monkeypatch.setattr(type(module), "build_evaluator", lambda self, directions: self.evaluator)
    monkeypatch.setattr(type(module), "datasets", lambda self, split: ("forget", "identities"))
    sets = {("search", "identities"): range(5)}
    monkeypatch.setattr(type(module), "data", SimpleNamespace(sets=sets))
    with pytest.raises(
        NonFiniteError, match="Every training of Small diverged.*smaller model.learning_rates"
    ):
        drive(module.evaluation_plan(), lambda setting: 0.5)


def test_reduced_precision_is_refused(tiny_world, tmp_path, capsys):
    more = ["--model", "GradientAscent", "--trainer.precision", "bf16-mixed"]
    assert main(words(tiny_world, tmp_path, *more)) == 2
    assert "Expected one process and precision 32-true for GradientAscent" in capsys.readouterr().err


def test_the_miniature_forgets_and_its_patch_is_refused_elsewhere(ascended):
    patch = WholePatch.load(ascended / "patch.safetensors")
    model = load_clip("miniature").model
    with torch.no_grad():
        model.visual.proj.mul_(1.5)
    with pytest.raises(PatchMismatchError, match="not those that the patch was made on"):
        patch.check(model)
