import copy
import math

import pytest

from slug_lightning.errors import BadDataError
from slug_lightning.reports.schema import validate_evidence, validate_report
from tests.reports.run_directory import (
    DIGITS,
    make_evidence,
    make_layers,
    make_report,
    make_search,
)

SEARCH = make_search(make_layers())
REQUIRED = (
    *("format_version", "concept", "method", "base_model", "layer", "tower", "step", "feasible"),
    *("metrics", "search", "efficiency", "data", "environment", "command"),
)


@pytest.fixture
def report():
    return make_report(SEARCH)


def edited(document, path, value):
    document = copy.deepcopy(document)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


def test_a_report_with_and_one_without_a_feasible_point_are_valid(report):
    validate_report(report)
    validate_report(make_report(make_search(make_layers(), feasible=False)))


def test_a_report_without_any_optional_key_is_valid(report):
    validate_report({key: report[key] for key in REQUIRED})


def test_unknown_keys_are_allowed_at_the_top(report):
    validate_report({**report, "audit": {"relearning": 3}})


@pytest.mark.parametrize("key", REQUIRED)
def test_every_key_of_the_contract_is_required(report, key):
    del report[key]
    with pytest.raises(BadDataError, match=f"'{key}' is a required property"):
        validate_report(report)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("format_version",), 2, r"\$\.format_version"),
        (("concept",), "", r"\$\.concept"),
        (("tower",), "audio", r"\$\.tower"),
        (("step",), -1.5, r"\$\.step"),
        (("step",), 0.0, r"\$\.step"),
        (("step",), None, r"\$\.step"),
        (("layer",), None, r"\$\.layer"),
        (("feasible",), "yes", r"\$\.feasible"),
        (("metrics", "forget/top1", "before", "value"), 98.1, "forget/top1.*value"),
        (("metrics", "forget/top1", "before", "n"), 0, "forget/top1.*n"),
        (("metrics", "forget/top1", "before", "ci95"), [0.1], "ci95"),
        (("metrics", "forget/top1", "before", "ci95"), [0.1, 0.2], "ci95.*interval around"),
        (("metrics", "forget/top1", "after"), None, "forget/top1.*after"),
        (("metrics", "accuracy"), {}, "metrics.*accuracy"),
        (("search",), [{"layer": "a", "step": 1, "forget/top1": 2}], r"\$\.search\[0\]"),
        (("efficiency", "peak_memory_bytes"), 1.5, "peak_memory_bytes"),
        (("data", "forget", "skipped"), {"no caption": -1}, "no caption"),
        (("data", "retain"), {"pairs": 3}, r"\$\.data\.retain"),
        (("patch", "sha256"), "abc", "sha256"),
        (("criterion", "metric"), "retain/identities_top1", r"\$\.criterion\.metric"),
        (("criterion", "metric"), "forget/top9", r"\$\.criterion\.metric.*forget/top1"),
    ],
)
def test_a_broken_contract_is_one_sentence_that_names_the_place(report, path, value, place):
    with pytest.raises(BadDataError, match=place) as caught:
        validate_report(edited(report, path, value))
    sentence = str(caught.value)
    assert sentence.startswith("report.json breaks its contract at $")
    assert "\n" not in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused_anywhere(report, value):
    with pytest.raises(BadDataError, match=r"environment.*'load'.*finite number"):
        validate_report(edited(report, ("environment", "load"), value))
    path = ("metrics", "forget/top1", "after", "value")
    with pytest.raises(BadDataError, match=r"forget/top1.*finite number"):
        validate_report(edited(report, path, value))


def test_values_that_json_cannot_hold_are_refused(report):
    with pytest.raises(BadDataError, match="cannot be written as JSON"):
        validate_report(edited(report, ("environment", "path"), object()))


def test_tuples_count_as_lists(report):
    validate_report(edited(report, ("metrics", "forget/top1", "after", "ci95"), (0.0, 0.1)))


def test_validation_leaves_the_report_as_it_was(report):
    before = copy.deepcopy(report)
    validate_report(report)
    assert report == before


@pytest.fixture
def evidence():
    return make_evidence(DIGITS, "seven")


def test_evidence_may_lack_either_part(evidence):
    validate_evidence(evidence)
    validate_evidence({"format_version": 1})
    validate_evidence({"format_version": 1, "samples": evidence["samples"]})


@pytest.mark.parametrize(
    "image",
    [
        "https://example.org/a.png",
        "data:image/svg+xml;base64,AAAA",
        'data:image/png;base64,AA" onerror="alert(1)',
        "javascript:alert(1)",
    ],
)
def test_images_must_be_data_uris_of_bitmaps(evidence, image):
    with pytest.raises(BadDataError, match=r"samples\[0\]\.image"):
        validate_evidence(edited(evidence, ("samples", 0, "image"), image))


def test_matrices_must_be_square_in_the_names(evidence):
    with pytest.raises(BadDataError, match=r"similarity\.after: expected 10 rows of 10"):
        validate_evidence(edited(evidence, ("similarity", "after"), [[0.1] * 10] * 9))


@pytest.mark.parametrize("ranking", [[], [["seven"]], [["seven", 1.2]], [[1, 0.5]]])
def test_rankings_are_names_with_probabilities(evidence, ranking):
    with pytest.raises(BadDataError, match=r"samples\[0\]\.after"):
        validate_evidence(edited(evidence, ("samples", 0, "after"), ranking))
