import json

import pytest

from slug_lightning.errors import BadDataError
from slug_lightning.reports.report_file import metric_rows, read_report, write_report
from tests.reports.run_directory import make_layers, make_report, make_search

REPORT = make_report(make_search(make_layers()))


def test_a_report_round_trips(tmp_path):
    write_report(tmp_path / "report.json", REPORT)
    assert read_report(tmp_path / "report.json") == REPORT


def test_an_invalid_report_is_never_written(tmp_path):
    with pytest.raises(BadDataError, match="concept"):
        write_report(tmp_path / "report.json", {**REPORT, "concept": ""})
    assert list(tmp_path.iterdir()) == []


def test_names_stay_readable_in_the_file(tmp_path):
    write_report(tmp_path / "report.json", {**REPORT, "concept": "Zoë Exämple"})
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert "Zoë Exämple" in text
    assert json.loads(text)["concept"] == "Zoë Exämple"


def test_forget_metrics_come_first_and_low_is_good_for_them_only():
    metrics = dict(reversed(REPORT["metrics"].items()))
    rows = metric_rows({**REPORT, "metrics": metrics})
    assert [row.lower_is_better for row in rows] == [True, True, False, False]
    assert {row.name for row in rows} == set(REPORT["metrics"])


def test_the_relative_drop_is_a_share_of_the_value_before():
    row = next(row for row in metric_rows(REPORT) if row.name == "retain/identities_top1")
    assert row.relative_drop == pytest.approx((0.969 - 0.951) / 0.969)
    unedited = make_report([])
    assert all(row.after is None and row.relative_drop is None for row in metric_rows(unedited))


def test_the_reports_own_label_wins():
    labels = {row.name: row.label for row in metric_rows(REPORT)}
    assert labels["retain/imagenet_top1"] == "styles (ImageNet layout), top-1"
    assert labels["forget/top1"] == "concept recognised, top-1"
