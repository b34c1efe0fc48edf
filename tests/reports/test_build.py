import dataclasses
import json
import subprocess
import sys

import pytest
from PIL import Image

from slug_lightning.errors import BadDataError, DataNotFoundError, UnwritableError
from slug_lightning.reports.build import Built, build_report
from slug_lightning.reports.tables import read_layers, read_search, write_layers, write_search
from tests.reports.run_directory import write_run


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_becomes_three_figures_and_a_page(built):
    assert (built / "report.html").is_file()
    for name in ("layers", "search", "similarity"):
        with Image.open(built / "figures" / f"{name}.png") as image:
            assert image.width == 1600


def test_building_twice_gives_the_same_bytes_and_no_leftovers(built, tmp_path):
    write_run(tmp_path)
    assert build_report(tmp_path) == Built(tmp_path / "report.html", tmp_path / "report.pdf")
    assert files(tmp_path) == files(built)


def test_one_tower_nothing_feasible_and_no_evidence(hostile):
    assert sorted(path.name for path in (hostile / "figures").iterdir()) == [
        "layers.png",
        "search.png",
    ]


def test_a_search_without_points_leaves_its_figure_out(run_dir):
    write_run(run_dir, feasible=False, evidence=False)
    write_search(run_dir / "search.csv", [])
    text = build_report(run_dir).page.read_text(encoding="utf-8")
    assert "No step was evaluated." in text
    assert not (run_dir / "figures" / "search.png").exists()


def test_figures_of_an_earlier_state_do_not_stay(run_dir):
    stale = run_dir / "figures" / "similarity.png"
    stale.parent.mkdir()
    stale.write_bytes(b"old")
    other = run_dir / "figures" / "own.png"
    other.write_bytes(b"not ours")
    (run_dir / "evidence.json").unlink()
    build_report(run_dir)
    assert not stale.exists()
    assert other.exists()


@pytest.mark.parametrize("name", ["report.json", "layers.csv", "search.csv"])
def test_a_missing_file_is_one_clear_sentence_and_writes_nothing(run_dir, name):
    (run_dir / name).unlink()
    with pytest.raises(DataNotFoundError, match=f"No file '{name}' in .*slug fit"):
        build_report(run_dir)
    assert not (run_dir / "report.html").exists()
    assert not (run_dir / "figures").exists()


def test_broken_evidence_is_an_error_not_a_missing_section(run_dir):
    (run_dir / "evidence.json").write_text("{")
    with pytest.raises(BadDataError, match=r"evidence.json .* not valid JSON"):
        build_report(run_dir)


def test_a_report_that_breaks_its_contract_is_refused(run_dir):
    document = json.loads((run_dir / "report.json").read_text())
    document["metrics"]["forget/top1"]["after"]["value"] = 12
    (run_dir / "report.json").write_text(json.dumps(document))
    with pytest.raises(BadDataError, match=r"forget/top1.*value"):
        build_report(run_dir)


def test_files_of_two_runs_are_refused(run_dir):
    search = read_search(run_dir / "search.csv")
    moved = [dataclasses.replace(row, chosen=row.probe == 0) for row in search]
    write_search(run_dir / "search.csv", moved)
    with pytest.raises(BadDataError, match="are the files of one run"):
        build_report(run_dir)
    write_search(run_dir / "search.csv", search)
    edited = next(row.layer for row in search if row.chosen)
    layers = [row for row in read_layers(run_dir / "layers.csv") if row.layer != edited]
    write_layers(run_dir / "layers.csv", layers)
    with pytest.raises(BadDataError, match=r"is not in layers.csv .* Closest"):
        build_report(run_dir)


def test_names_that_matplotlib_would_read_as_mathematics_or_cannot_write(tmp_path):
    write_run(tmp_path, concept="$x_{1 马斯克 $\\frac")
    built = build_report(tmp_path)
    assert "马斯克" in built.page.read_text(encoding="utf-8")
    assert built.document.read_bytes().startswith(b"%PDF-")


def test_without_typst_the_page_is_written_and_the_sentence_kept(run_dir, monkeypatch):
    (run_dir / "report.pdf").write_bytes(b"of an earlier state")
    monkeypatch.setitem(sys.modules, "typst", None)
    built = build_report(run_dir)
    assert built.document is None
    assert "pip install 'typst" in built.problem
    assert built.page.is_file()
    assert not (run_dir / "report.pdf").exists()


def test_a_folder_that_cannot_be_written_to_is_one_sentence(run_dir, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("slug_lightning.reports.build.write_text", refuse)
    with pytest.raises(UnwritableError, match=r"Permission denied\. Make the folder writable"):
        build_report(run_dir)


def test_a_reference_is_on_page_and_document(run_dir):
    assert "DSR-2026-014" in build_report(run_dir, "DSR-2026-014").page.read_text(encoding="utf-8")


def test_a_reference_stays_until_another_is_given(run_dir):
    before = json.loads((run_dir / "report.json").read_text())
    build_report(run_dir, "DSR-2026-014")
    assert json.loads((run_dir / "report.json").read_text()) == {**before, "reference": "DSR-2026-014"}
    page = build_report(run_dir).page
    assert "DSR-2026-014" in page.read_text(encoding="utf-8")
    build_report(run_dir, "DSR-2026-015")
    assert "DSR-2026-014" not in page.read_text(encoding="utf-8")
    build_report(run_dir, "")
    assert "DSR-2026" not in page.read_text(encoding="utf-8")
    assert json.loads((run_dir / "report.json").read_text()) == before


def test_reports_need_neither_torch_nor_pyplot():
    code = (
        "import sys, slug_lightning.reports.build, slug_lightning.reports.closing;"
        "print(sorted({'torch', 'lightning', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_search_on_a_host_has_a_section_with_its_images(run_dir):
    report, evidence = (json.loads((run_dir / f"{name}.json").read_text()) for name in ("report", "evidence"))
    cell = {"row": "seven", "column": "ink", "said": "six", "image": evidence["samples"][0]["image"]}
    evidence["host"] = {"before": [{**cell, "right": True}], "after": [{**cell, "right": False}]}
    report["host"] = {"metric": "a.GeneratedImages", "template": "a {digit} <b>"}
    (run_dir / "evidence.json").write_text(json.dumps(evidence))
    (run_dir / "report.json").write_text(json.dumps(report))
    text = build_report(run_dir).page.read_text(encoding="utf-8")
    assert "<h2>On the host</h2>" in text
    assert "a {digit} &lt;b&gt;" in text
    assert (run_dir / "figures" / "host.png").is_file()
