"""What runs of the same request share: one pass over the retain pairs."""

import torch

from slug_lightning.cli import main
from slug_lightning.reports.report_file import read_report
from slug_lightning.unlearning import Gradients
from tests.helpers import words

SHORT = ["--data.retain_limit", "200", "--model.search.evaluations", "1"]


def run(world, out, concept, other):
    both = ["--data.concept", concept, "--data.others", f"[{other}]"]
    assert main(words(world, out, *SHORT, *both)) in (0, 3)
    (folder,) = [path.parent for path in (out / "runs" / concept).glob("*/report.json")]
    return folder


def test_the_retain_pass_of_another_concept_of_the_request_is_reused(tiny_world, tmp_path, monkeypatch):
    first = run(tiny_world, tmp_path / "together", "seven", "three")
    roles = []
    add = "slug_lightning.unlearning.gradients.GradientAccumulator.backward"
    from slug_lightning.unlearning.gradients import GradientAccumulator

    plain = GradientAccumulator.backward
    monkeypatch.setattr(add, lambda self, role, *args: roles.append(role) or plain(self, role, *args))
    second = run(tiny_world, tmp_path / "together", "three", "seven")
    assert set(roles) == {"forget"}
    efficiency = read_report(second / "report.json")["efficiency"]
    assert efficiency["retain_gradients_from"] == f"seven/{first.name}"
    assert efficiency["gradients_from"] is None

    alone = run(tiny_world, tmp_path / "apart", "three", "seven")
    ours, anew = (Gradients.load(folder / "gradients.safetensors") for folder in (second, alone))
    assert (ours.pairs, ours.losses) == (anew.pairs, anew.losses)
    for name in anew.layers:
        assert torch.equal(ours.retain[name], anew.retain[name])
        assert torch.equal(ours.forget[name], anew.forget[name])


def test_the_other_concepts_neither_stay_nor_count_as_those_that_must(tiny_world, tmp_path):
    folder = run(tiny_world, tmp_path, "seven", "three")
    report = read_report(folder / "report.json")
    alone = tmp_path / "alone"
    assert main(words(tiny_world, alone, *SHORT)) in (0, 3)
    (other,) = alone.glob("runs/seven/*/report.json")
    few, many = (r["metrics"]["retain/identities_top1"]["before"]["n"] for r in (report, read_report(other)))
    assert few < many
    excluded = [r["data"]["retain"]["skipped"]["excluded"] for r in (report, read_report(other))]
    assert excluded[0] > excluded[1]
