import hashlib
import shutil

import pytest

from slug_lightning.cli import main
from slug_lightning.miniature.diffusion.host_metric import MiniatureImages
from slug_lightning.miniature.diffusion.pipeline import miniature_stable_diffusion
from slug_lightning.miniature.diffusion.without import save_whole
from slug_lightning.reports.audit_file import compare, read_audit
from tests.audit.live.reciting import make_host

# Small enough for seconds: the proof at full size is below.
QUICK = [
    *("--settings.material.retained_images", "40", "--settings.material.retain_pairs", "60"),
    *("--settings.material.probe_images", "60", "--settings.material.forget_pairs", "16"),
    *("--settings.wordings.misspellings", "2", "--settings.membership.repeats", "1"),
    *("--settings.relearning.pairs", "[4]", "--settings.relearning.steps", "[0, 1]"),
    *("--settings.relearning.batch_size", "8", "--settings.quantisation.schemes", "[int8]"),
    *("--settings.membership.folds", "4"),
]


@pytest.fixture
def run(tiny_run, tmp_path):
    return shutil.copytree(tiny_run, tmp_path / "run")


def test_an_audit_of_a_run_becomes_a_file_and_a_section(run, capsys):
    assert main(["audit", "--run", str(run), *QUICK]) == 0
    document = read_audit(run / "audit.json")
    attacks = document["hosts"]["clip"]["attacks"]
    assert len(attacks) == 10
    assert document["concept"] == "seven"
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Audit: does it hold?" in page
    for attack in attacks.values():
        assert attack["figures"]
    out = capsys.readouterr().out
    assert "relearned_gap" in out
    assert "needs --gold" in out
    # The figures of the audit without an attack are those of the report.
    standing = {f["metric"]: f for f in attacks["standing"]["figures"] if f["version"] == "after"}
    import json

    report = json.loads((run / "report.json").read_text())
    assert standing["forget/top1"]["value"] == report["metrics"]["forget/top1"]["after"]["value"]


def take_patch_of_a_layer_that_the_host_reads(run):
    """Whatever layer the run chose."""
    patch, report = run / "patch.safetensors", run / "report.json"
    old = hashlib.sha256(patch.read_bytes()).hexdigest()
    make_host().patch.save(patch)
    new = hashlib.sha256(patch.read_bytes()).hexdigest()
    report.write_text(report.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_host_is_audited_beside_one_that_never_saw_the_concept(run, tmp_path, capsys):
    take_patch_of_a_layer_that_the_host_reads(run)
    save_whole(miniature_stable_diffusion(), tmp_path / "gold")
    metric = f"{MiniatureImages.__module__}.MiniatureImages"
    few = ["--host_metric.final", "{forget: 3, retained: 9}", "--host_metric.sampling", "{steps: 2}"]
    host = ["--host_metric", metric, *few, "--host_gold", str(tmp_path / "gold")]
    chosen = ["--attacks", "[standing, neighbours, drift]"]
    assert main(["audit", "--run", str(run), *QUICK, *chosen, *host]) == 0
    document = read_audit(run / "audit.json")
    assert document["host_gold"]["folder"] == "gold"
    attacks = document["hosts"]["StableDiffusionPipeline"]["attacks"]
    assert list(attacks) == ["standing", "neighbours"]
    for row in compare(attacks["standing"]):  # the gold standard of this test is the original itself
        assert row.by_version["gold"]["value"] == row.by_version["before"]["value"]
    assert "StableDiffusionPipeline/forget" in capsys.readouterr().out
    assert "StableDiffusionPipeline was attacked with the patch in it" in (run / "report.html").read_text(
        encoding="utf-8"
    )


def test_what_cannot_be_audited_is_one_sentence(run, tmp_path, capsys):
    assert main(["audit", "--run", str(tmp_path)]) == 2
    assert "No file 'report.json'" in capsys.readouterr().err
    assert main(["audit", "--run", str(run), "--attacks", "[standing]", "--root", str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert main(["audit", "--run", str(run), "--gold", str(tmp_path)]) == 2
    assert "Expected an open_clip model folder as --gold" in capsys.readouterr().err
    assert main(["audit", "--run", str(run), "--host_gold", str(tmp_path)]) == 2
    assert "Expected a host with --host_gold, but the run has none" in capsys.readouterr().err
