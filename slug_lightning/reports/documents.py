"""Reading the JSON files of a run with errors that name the file and the place."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from slug_lightning.errors import BadDataError, DataNotFoundError


def read_text(path: Path) -> str:
    """Text of a file of a run directory, UTF-8 with or without a byte-order mark.

    Raises:
        DataNotFoundError: If the file is not there; the sentence says what to do.
        BadDataError: If it is not UTF-8.
    """
    if not path.is_file():
        raise DataNotFoundError(
            f"No file {path.name!r} in {str(path.parent)!r}. Expected the directory of a finished "
            "run of `slug fit`, which holds report.json, layers.csv and search.csv."
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadDataError(f"{path.name} in {str(path.parent)!r} is not UTF-8: {error}.") from None


def read_json_object(path: Path) -> dict[str, Any]:
    """Object in a JSON file; NaN and infinities are refused, as JSON has none.

    Raises:
        DataNotFoundError: If the file is not there.
        BadDataError: If it is not one JSON object.
    """

    def refuse(constant: str) -> NoReturn:
        raise BadDataError(f"{path.name} holds {constant}, which is not a number in JSON.")

    try:
        document = json.loads(read_text(path), parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise BadDataError(
            f"{path.name} in {str(path.parent)!r} is not valid JSON ({error}); write it again with "
            "the run that made it."
        ) from None
    if not isinstance(document, dict):
        raise BadDataError(
            f"Expected {path.name} to hold one JSON object, but got a {type(document).__name__}."
        )
    return document


def not_finite(document: object, path: str = "$") -> Iterator[str]:
    """Yield the JSON path of every NaN or infinite number in ``document``.

    Example:
        >>> list(not_finite({"step": float("nan"), "ci95": [0.0, float("inf")]}))
        ["$['step']", "$['ci95'][1]"]
    """
    if isinstance(document, dict):
        for key, value in document.items():
            yield from not_finite(value, f"{path}[{key!r}]")
    elif isinstance(document, list | tuple):
        for index, value in enumerate(document):
            yield from not_finite(value, f"{path}[{index}]")
    elif isinstance(document, float) and not math.isfinite(document):
        yield path
