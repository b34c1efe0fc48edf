import shutil

import pytest

from slug_lightning.cli import main
from slug_lightning.reports.audit_file import read_audit

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


def test_what_cannot_be_audited_is_one_sentence(run, tmp_path, capsys):
    assert main(["audit", "--run", str(tmp_path)]) == 2
    assert "No file 'report.json'" in capsys.readouterr().err
    assert main(["audit", "--run", str(run), "--attacks", "[standing]", "--root", str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert main(["audit", "--run", str(run), "--gold", str(tmp_path)]) == 2
    assert "Expected an open_clip model folder as --gold" in capsys.readouterr().err
    assert main(["audit", "--run", str(run), "--host_gold", str(tmp_path)]) == 2
    assert "Expected a host with --host_gold, but the run has none" in capsys.readouterr().err
