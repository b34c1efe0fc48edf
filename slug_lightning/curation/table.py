"""Captions from a CSV or JSON Lines file."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slug_lightning.errors import BadDataError, DataNotFoundError, closest

_MAX_FIELD = 1 << 24  # the default is 128 KiB; a longer caption is counted as unusable, not fatal
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class TableRow:
    """A row: name of the image, caption and url as far as they are there."""

    image: str
    caption: str | None
    url: str = ""


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a table; ``url`` need not be there."""

    image: str = "file_name"
    caption: str = "caption"
    url: str = "url"


def read_table(path: Path, columns: Columns = Columns()) -> list[TableRow]:
    """All rows of a table, in order.

    Args:
        path: ``.csv`` or ``.tsv`` with the names of its columns in the first line, ``.jsonl`` or
            ``.ndjson`` with one object a line. Captions that are not UTF-8 are kept as surrogates, so that
            they are counted and not lost.
        columns: Names of its columns.

    Raises:
        DataNotFoundError: If it is not there.
        BadDataError: If it is no table, or lacks a column; the nearest names are said.
    """
    if not path.is_file():
        raise DataNotFoundError(f"Expected a table of captions but '{path}' is not there; check --table.")
    reader = _csv if path.suffix.lower() in _DELIMITERS else _json_lines
    if path.suffix.lower() not in (*_DELIMITERS, *_LINES):
        raise BadDataError(
            f"Expected a table that ends in {', '.join([*_DELIMITERS, *_LINES])} but got '{path.name}'."
        )
    limit = csv.field_size_limit(_MAX_FIELD)
    try:
        return [_row(facts, columns) for facts in reader(path, columns)]
    except (OSError, csv.Error, RecursionError) as error:
        raise BadDataError(f"'{path}' cannot be read as a table: {error}.") from error
    finally:
        csv.field_size_limit(limit)


def check_columns(there: list[str], columns: Columns, name: str) -> None:
    """Refuse a table without the columns for images and captions.

    Raises:
        BadDataError: Naming the option that names the column.
    """
    for option, column in (("image_column", columns.image), ("caption_column", columns.caption)):
        if column not in there:
            near = closest(column, there)
            hint = f" Closest: {near}." if near else ""
            raise BadDataError(
                f"Expected a column '{column}' in '{name}' but it has {there[:20]}.{hint} "
                f"Name the right one with --{option}."
            )


def _csv(path: Path, columns: Columns) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file, delimiter=_DELIMITERS[path.suffix.lower()], strict=True)
        check_columns([name for name in reader.fieldnames or [] if name], columns, path.name)
        yield from reader


def _json_lines(path: Path, columns: Columns) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        known = False
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                facts = json.loads(line)
            except ValueError as error:
                raise BadDataError(
                    f"Expected one JSON object a line in '{path}' but line {number} is none: {error}."
                ) from error
            if not isinstance(facts, dict):
                raise BadDataError(
                    f"Expected one JSON object a line in '{path}' but line {number} is {line.strip()[:40]!r}."
                )
            if not known:  # later rows may lack a caption
                check_columns(list(facts), columns, path.name)
                known = True
            yield facts


def _row(facts: dict[str, Any], columns: Columns) -> TableRow:
    caption, url = facts.get(columns.caption), facts.get(columns.url)
    return TableRow(
        image=str(facts.get(columns.image) or ""),
        caption=caption if isinstance(caption, str) else None,
        url=url if isinstance(url, str) else "",
    )
