from slug_lightning.audit.attacks import NAMES
from slug_lightning.audit.checks import Limits
from slug_lightning.reports.audit_file import write_audit
from slug_lightning.reports.audit_page import LABELS, TITLES, audit_view
from slug_lightning.reports.build import build_report
from slug_lightning.reports.html import PageFigure
from tests.reports.audit_document import HOST, make_audit

# In place of pictures: drawing them takes longer than all the rest.
DOT = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'


def test_every_attack_and_limit_has_its_words():
    assert set(TITLES) == set(NAMES)
    assert set(LABELS) == set(vars(Limits()))


def test_the_view_has_a_column_for_each_version():
    view = audit_view(make_audit())
    by_title = {attack["title"]: attack for attack in view["attacks"]}
    assert by_title["No attack"]["columns"] == ["original", "patched", "never saw it"]
    assert by_title["Training on"]["columns"] == ["patched", "never saw it"]
    assert by_title["Training on"]["rows"][0]["condition"] == "retain pairs alone, 0 updates"
    assert [check["verdict"] for check in view["checks"]] == ["met", "no value", "not met"]


def test_the_page_has_the_section_with_its_figures_and_escapes_it(run_dir):
    write_audit(run_dir / "audit.json", make_audit(host=True))
    page = build_report(run_dir).page.read_text(encoding="utf-8")
    assert page.count("<section") == page.count("</section>")
    assert "Audit: does it hold?" in page
    assert "a &lt;b&gt;note&lt;/b&gt;" in page
    for name in ("attacks", "relearning", "confusion", "drift"):
        assert (run_dir / "figures" / f"audit_{name}.png").is_file()
    for name in ("attacks", "relearning", "confusion"):
        assert (run_dir / "figures" / f"host_audit_{name}.png").is_file()
    assert "<code>without-seven</code>, <code>pipeline-without-seven</code>" in page
    assert f"Training on ({HOST}): all figures" in page
    assert "On the host: ways to ask for the concept" in page


def test_without_an_audit_there_is_no_section_and_no_old_figure(run_dir, monkeypatch):
    old = run_dir / "figures" / "audit_drift.png"
    old.parent.mkdir()
    old.write_bytes(b"of an earlier state")
    monkeypatch.setattr("slug_lightning.reports.build._drawn", lambda draw: PageFigure(b"", b"", DOT))
    page = build_report(run_dir).page.read_text(encoding="utf-8")
    assert "Audit: does it hold?" not in page
    assert not old.exists()


def test_without_a_gold_standard_nobody_never_saw_it():
    view = audit_view(make_audit(gold=False))
    assert view["gold"] is None
    assert (view["host"], view["host_gold"]) == (None, None)
    assert audit_view(make_audit(host=True))["host"] == HOST
    assert all("never saw it" not in attack["columns"] for attack in view["attacks"])
