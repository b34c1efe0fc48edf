from types import SimpleNamespace

import pytest
import torch

from slug_lightning.cli.lightning import build
from slug_lightning.functional import true_class_rank
from slug_lightning.models import load_clip
from slug_lightning.reports.report_file import read_report
from slug_lightning.search import SearchSettings
from slug_lightning.unlearning import SLUG
from slug_lightning.unlearning.base import metric_name
from tests.helpers import words


def metrics_of(world, out, *more):
    cli = build(words(world, out, *more, command="validate"))
    return {name: (a.correct, a.n) for name, a in cli.model.outcome.before.metrics.items()}, cli


def counts(report, when):
    return {n: (round(e[when]["value"] * e[when]["n"]), e[when]["n"]) for n, e in report["metrics"].items()}


def test_validate_gives_the_figures_before_and_with_the_patch_those_after(tiny_run, tiny_world, tmp_path):
    report = read_report(tiny_run / "report.json")
    before, _ = metrics_of(tiny_world, tmp_path / "before")
    after, cli = metrics_of(tiny_world, tmp_path / "after", "--patch", str(tiny_run / "patch.safetensors"))
    assert before == counts(report, "before")
    assert after == counts(report, "after")
    assert before != after
    original = load_clip("miniature").model.state_dict()
    assert all(torch.equal(t, original[n]) for n, t in cli.model.network.state_dict().items())


def test_figures_are_logged_by_their_names(tiny_world, tmp_path):
    _, cli = metrics_of(tiny_world, tmp_path)
    logged = cli.trainer.callback_metrics
    assert set(logged) == {metric_name(d, k) for d in ("forget", "identities", "imagenet") for k in (1, 5)}


@pytest.mark.parametrize("size", ["1", "7", "1000"])
def test_the_batch_size_changes_no_count(tiny_run, tiny_world, tmp_path, size):
    found, _ = metrics_of(tiny_world, tmp_path, "--data.eval_batch_size", size)
    assert found == counts(read_report(tiny_run / "report.json"), "before")


def test_without_imagenet_only_identities_are_measured(tiny_world, tmp_path):
    found, _ = metrics_of(tiny_world, tmp_path, "--data.imagenet", "null")
    assert set(found) == {metric_name(d, k) for d in ("forget", "identities") for k in (1, 5)}


def test_an_image_is_recognised_in_the_search_in_any_wording_or_within_the_margin():
    """Three classifiers of two names: the usual one, and those of two further wordings."""
    module = SLUG(search=SearchSettings(wordings=["a {}", "the {}"], margin=0.1))
    heads = {"wording 0": torch.tensor([[1.0, 0.0], [0.0, 1.0]]), "wording 1": torch.tensor([[0.0, 0.0]] * 2)}
    module.evaluator = SimpleNamespace(classifier=lambda trial, name: heads[name])
    images, labels = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    usual = torch.tensor([[-1.0, 1.0], [0.0, 0.05]])
    attacked = module._as_attacked(0, usual, images, labels)
    torch.testing.assert_close(attacked[0], torch.tensor([1.1, 0.0]))  # recognised in the first wording
    assert (true_class_rank(attacked, labels) == 0).all()  # the second image within the margin
    plain = SLUG()
    assert torch.equal(plain._as_attacked(0, usual, images, labels), usual)
