"""A list of deletion requests: CSV, JSON, JSON Lines or YAML."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any

from slug_lightning.data.captions import concept_folder, concept_words
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError, closest

FIELDS = ("id", "concept", "forget_shards", "aliases")
PREFIXES = ("data.", "model.")
RESERVED = {
    "data.concept": "; write concept",
    "data.aliases": "; write aliases",
    "data.forget_shards": "; write forget_shards",
    "data.left_out": "",
    "data.concepts": "",
}
ID_BYTES = 100  # names of files have a bound, and some writing systems take three bytes a letter


@dataclass(frozen=True)
class DeletionRequest:
    """One request.

    Attributes:
        id: Names its files; the concept's folder name unless the list says otherwise, with a number behind it
            where a concept comes again.
        concept: What to forget.
        forget_shards: Its pairs; ``None`` for the pattern of the sweep's command line.
        aliases: Other spellings.
        options: Settings of ``slug fit`` that are this request's own, by dotted name.
    """

    id: str
    concept: str
    forget_shards: str | None = None
    aliases: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def words(self) -> list[str]:
        """What stands on the command line of ``slug fit`` for it."""
        words = ["--data.concept", self.concept, "--data.aliases", json.dumps(list(self.aliases))]
        if self.forget_shards is not None:
            words += ["--data.forget_shards", self.forget_shards]
        for name, value in self.options.items():
            words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        return words

    @property
    def names(self) -> list[str]:
        """The concept and its aliases."""
        return [self.concept, *self.aliases]


def read_requests(path: Path) -> list[DeletionRequest]:
    """Read a list of requests.

    Args:
        path: ``.csv`` with a header line, ``.jsonl`` with an object a line, ``.json``, ``.yaml`` or ``.yml``
            with a list of names or objects. Keys are ``concept``, and ``id``, ``forget_shards``, ``aliases``
            (in CSV with semicolons between them) and dotted settings of ``slug fit`` where they are wanted.

    Raises:
        DataNotFoundError: If there is no such file.
        BadDataError: If it is none of these, names the row.
    """
    if not path.is_file():
        raise DataNotFoundError(f"Expected a list of requests in {str(path)!r} but it is not there.")
    requests: list[DeletionRequest] = []
    taken: set[str] = set()
    for where, row in _rows(path):
        request = _request(row, f"{path.name}, {where}", taken)
        taken.add(request.id.casefold())
        requests.append(request)
    if not requests:
        raise BadDataError(
            f"Expected requests in {str(path)!r} but got none. Give each a line with its concept."
        )
    return requests


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Rows with the place they stand at."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".csv":
            for line, row in enumerate(csv.DictReader(io.StringIO(text), strict=True), start=2):
                yield f"line {line}", _from_csv(row)
        elif path.suffix == ".jsonl":
            for line, one in enumerate(text.splitlines(), start=1):
                if one.strip():
                    yield f"line {line}", json.loads(one)
        elif path.suffix in (".json", ".yaml", ".yml"):
            content = json.loads(text) if path.suffix == ".json" else _yaml(text)
            if not isinstance(content, list):
                raise ValueError(f"a {type(content).__name__} where a list should be")
            yield from ((f"entry {number}", one) for number, one in enumerate(content, start=1))
        else:
            raise ValueError(f"the ending {path.suffix!r}")
    except (ValueError, csv.Error) as error:
        if isinstance(error, BadDataError):
            raise
        raise BadDataError(
            f"Expected {str(path)!r} to be a list of requests (.csv, .jsonl, .json, .yaml) but got: {error}."
        ) from error


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _from_csv(row: dict[str | None, Any]) -> dict[str, Any]:
    """Empty cells are left out; a row with more cells than the header is kept apart for the error."""
    found: dict[str, Any] = {str(key): value for key, value in row.items() if value not in (None, "")}
    if "aliases" in found:
        found["aliases"] = [part.strip() for part in found["aliases"].split(";") if part.strip()]
    return found


def _request(row: Any, where: str, taken: set[str]) -> DeletionRequest:
    row = {"concept": row} if isinstance(row, str) else row
    if not isinstance(row, dict):
        raise BadDataError(f"Expected a name or an object in {where} but got a {type(row).__name__}.")
    unknown = [key for key in row if key not in FIELDS and not str(key).startswith(PREFIXES)]
    if unknown:
        near = closest(str(unknown[0]), FIELDS) or list(FIELDS)
        raise BadDataError(
            f"Expected {', '.join(FIELDS)} or settings like data.retain_limit in {where} but got "
            f"{unknown[0]!r}. Closest: {near}."
        )
    concept = row.get("concept")
    if not isinstance(concept, str) or not concept.strip():
        raise BadDataError(f"Expected a concept in {where} but got {concept!r}.")
    aliases = row.get("aliases", [])
    aliases = [aliases] if isinstance(aliases, str) else aliases
    if not isinstance(aliases, list) or not all(isinstance(name, str) for name in aliases):
        raise BadDataError(f"Expected aliases as a list of names in {where} but got {aliases!r}.")
    for key in set(row) & set(RESERVED):
        raise BadDataError(f"Expected no {key} in {where}: the sweep sets it{RESERVED[key]}.")
    concept = " ".join(concept.replace("_", " ").split())  # as the data module spells it
    _refuse_wordless([concept, *aliases], where)
    return DeletionRequest(
        id=_identity(row, concept, where, taken),
        concept=concept,
        forget_shards=row.get("forget_shards"),
        aliases=tuple(aliases),
        options={key: value for key, value in row.items() if key not in FIELDS},
    )


def _refuse_wordless(names: list[str], where: str) -> None:
    """All requests leave each other's names out: one that cannot be found in captions would fail them all."""
    try:
        concept_words(names)
    except SettingError as error:
        raise BadDataError(f"Expected names with letters or digits in {where} but got {names}.") from error


def _identity(row: Mapping[str, Any], concept: str, where: str, taken: set[str]) -> str:
    if "id" in row:
        name = str(row["id"])
        if concept_folder(name) != name or name.casefold() in taken or len(name.encode()) > ID_BYTES:
            raise BadDataError(
                f"Expected an id of letters, digits, _ and -, of {ID_BYTES} bytes at most, that comes once "
                f"in {where} but got {name!r}."
            )
        return name
    first = concept_folder(concept)
    if len(first.encode()) > ID_BYTES:
        raise BadDataError(
            f"Expected an id in {where}: the concept {shorten(concept, 40)!r} is too long to name files."
        )
    name, count = first, 1
    while name.casefold() in taken:
        count += 1
        name = f"{first}-{count}"
    return name
