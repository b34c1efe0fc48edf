import copy

from slug_lightning.reports.report_file import metric_rows
from slug_lightning.reports.verdict import is_met, remarks, verdict, worst_retained
from tests.reports.run_directory import make_layers, make_report, make_search, measured

REPORT = make_report(make_search(make_layers()))


def with_metric(name, before, after, n=54):
    report = copy.deepcopy(REPORT)
    report["metrics"][name] = {"before": measured(before, n), "after": measured(after, n)}
    return report


def plain(text):
    return text.replace("\u00a0", " ")


def test_a_feasible_run_says_what_fell_and_what_it_cost():
    text = plain(verdict(REPORT))
    assert "“seven” is forgotten by the criterion" in text
    assert "from 98.1 % to 0.0 %" in text
    assert "largest relative drop among the retained metrics is 1.9 % (other identities" in text


def test_the_worst_retained_metric_is_relative_not_absolute():
    report = with_metric("retain/rare", 0.10, 0.09, 1000)  # 1 point, but a tenth of what there was
    worst = worst_retained(metric_rows(report))
    assert worst is not None
    assert worst.name == "retain/rare"


def test_a_search_that_met_the_target_and_an_evaluation_that_did_not_is_said():
    missed = with_metric("forget/top1", 0.98, 0.05)
    text = plain(verdict(missed))
    assert (is_met(REPORT), is_met(missed)) == (True, False)
    assert "is forgotten" not in text
    assert "met its target of 0.0 %, but the closing evaluation did not" in text


def test_no_feasible_point_names_the_nearest_point():
    report = make_report(make_search(make_layers(), feasible=False))
    lowest = min(report["search"], key=lambda probe: (probe["forget/top1"], probe["step"]))
    text = plain(verdict(report))
    assert text.startswith(f"No feasible point: none of {len(report['search'])} evaluated steps")
    assert lowest["layer"] in text
    assert "nothing was changed" in text


def test_no_feasible_point_without_any_evaluation():
    assert "no step was evaluated" in verdict(make_report([]))


def test_metrics_that_did_not_drop_are_not_called_a_drop():
    report = with_metric("retain/imagenet_top1", 0.9, 0.91)
    report["metrics"]["retain/identities_top1"] = report["metrics"]["retain/imagenet_top1"]
    assert "no retained metric dropped" in verdict(report)


def test_zero_of_n_is_never_left_without_its_interval():
    assert any("54 images" in text and "6.6" in text for text in remarks(REPORT))


def test_a_concept_that_was_never_known_is_remarked():
    assert any("nothing to forget" in text for text in remarks(with_metric("forget/top1", 0.0, 0.0)))
    assert not any("nothing to forget" in text for text in remarks(REPORT))


def test_a_run_without_retained_metrics_is_remarked():
    report = copy.deepcopy(REPORT)
    report["metrics"] = {"forget/top1": report["metrics"]["forget/top1"]}
    assert any("unknown" in text for text in remarks(report))
    assert "relative drop" not in verdict(report)
