import io

from rich.console import Console

from slug_lightning.reports.closing import closing_summary
from tests.reports.run_directory import make_layers, make_report, make_search

REPORT = make_report(make_search(make_layers()))


def printed(report, run_dir):
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(closing_summary(report, run_dir))
    return console.file.getvalue().replace("\u00a0", " ")


def test_every_metric_is_there_with_interval_and_n(tmp_path):
    (tmp_path / "report.html").touch()
    (tmp_path / "events.out.tfevents.1.host").touch()
    text = printed(REPORT, tmp_path)
    assert "98.1 % [90.2, 99.7]" in text
    assert "0.0 % [0.0, 6.6]" in text
    assert "styles (ImageNet layout), top-1" in text
    assert "1200" in text
    assert f"{REPORT['layer']} ({REPORT['tower']}), step" in text
    assert "65.7 kB" in text
    assert str(tmp_path / "report.html") in text
    assert f"tensorboard --logdir {tmp_path}" in text
    assert "patch.safetensors" not in text  # not in this folder


def test_nothing_feasible_shows_no_edit(tmp_path):
    text = printed(make_report(make_search(make_layers(), feasible=False)), tmp_path)
    assert text.startswith("No feasible point")
    assert "not edited" in text
    assert "edit " not in text


def test_brackets_in_names_are_text(tmp_path):
    report = {**REPORT, "concept": "[red]Ada[/red] [/]", "labels": {"forget/top1": "[bold]x[/]"}}
    text = printed(report, tmp_path)
    assert "[red]Ada[/red] [/]" in text
    assert "[bold]x[/]" in text


def test_gradients_of_an_earlier_run_are_named(tmp_path):
    efficiency = {**REPORT["efficiency"], "gradients_from": "20260101-120000"}
    assert "gradients of run 20260101-120000" in printed({**REPORT, "efficiency": efficiency}, tmp_path)
