"""The contracts of the JSON files of a run, checked before writing and after reading."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from slug_lightning.errors import BadDataError
from slug_lightning.reports.documents import not_finite
from slug_lightning.reports.wording import shorten

_LONGEST_SENTENCE = 240


def validate_report(report: Mapping[str, Any]) -> None:
    """Check ``report`` against ``schema.json`` and what a schema cannot say.

    Beyond the schema: no NaN or infinity anywhere, every value lies in its interval, and the
    criterion's metric is among the metrics.

    Raises:
        BadDataError: With one sentence that names the first place that breaks the contract.
    """
    document = _checked(report, "report.json", "schema.json")
    for name, entry in document["metrics"].items():
        for side in ("before", "after"):
            _check_interval(f"$.metrics[{name!r}].{side}", entry.get(side))
    criterion = document.get("criterion", {}).get("metric", "forget/top1")
    if criterion not in document["metrics"]:
        raise _broken(
            "report.json",
            "$.criterion.metric",
            f"expected one of {sorted(document['metrics'])}, but got {criterion!r}",
        )


def validate_evidence(evidence: Mapping[str, Any]) -> None:
    """Check ``evidence`` against ``evidence_schema.json``; its matrices must be square in its names.

    Raises:
        BadDataError: With one sentence that names the first place that breaks the contract.
    """
    document = _checked(evidence, "evidence.json", "evidence_schema.json")
    similarity = document.get("similarity")
    if similarity is None:
        return
    size = len(similarity["names"])
    for side in ("before", "after"):
        lengths = [len(row) for row in similarity[side]]
        if lengths != [size] * size:
            raise _broken(
                "evidence.json",
                f"$.similarity.{side}",
                f"expected {size} rows of {size} cosines, but got {len(lengths)} rows of "
                f"{sorted(set(lengths))}",
            )


def validate_audit(audit: Mapping[str, Any]) -> None:
    """Check ``audit`` against ``audit_schema.json``; every value lies in its interval.

    Raises:
        BadDataError: With one sentence that names the first place that breaks the contract.
    """
    document = _checked(audit, "audit.json", "audit_schema.json")
    for host, part in document["hosts"].items():
        for name, attack in part["attacks"].items():
            for number, figure in enumerate(attack["figures"]):
                if figure["ci95"] is not None:
                    place = f"$.hosts[{host!r}].attacks[{name!r}].figures[{number}]"
                    _check_interval(place, figure, "audit.json")


def _checked(document: Mapping[str, Any], file: str, schema: str) -> dict[str, Any]:
    """Validate and return ``document`` in plain JSON types (tuples become lists)."""
    bad_number = next(not_finite(document), None)
    if bad_number is not None:
        raise _broken(file, bad_number, "expected a finite number, but got NaN or infinity")
    try:
        plain: dict[str, Any] = json.loads(json.dumps(document))
    except TypeError as error:
        raise BadDataError(f"{file} cannot be written as JSON: {error}.") from None
    contract = json.loads(files(__package__).joinpath(schema).read_text(encoding="utf-8"))
    problem = best_match(Draft202012Validator(contract).iter_errors(plain))
    if isinstance(problem, ValidationError):
        raise _broken(file, problem.json_path, problem.message)
    return plain


def _check_interval(path: str, measured: Mapping[str, Any] | None, file: str = "report.json") -> None:
    if measured is None:
        return
    low, high = measured["ci95"]
    if not low - 1e-9 <= measured["value"] <= high + 1e-9:
        raise _broken(
            file,
            f"{path}.ci95",
            f"expected an interval around {measured['value']}, but got [{low}, {high}]",
        )


def _broken(file: str, path: str, reason: str) -> BadDataError:
    reason = shorten(reason, _LONGEST_SENTENCE)
    return BadDataError(f"{file} breaks its contract at {path}: {reason}.")
