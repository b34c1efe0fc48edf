"""``layers.csv`` and ``search.csv`` of a run, as frozen rows."""

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slug_lightning.atomic import write_text
from slug_lightning.errors import BadDataError, closest
from slug_lightning.reports.documents import read_text

_TOWERS = ("vision", "text")
_LAYER_COLUMNS = (
    *("layer", "tower", "importance", "alignment"),
    *("weight_norm", "forget_norm", "retain_norm", "front"),
)
_SEARCH_COLUMNS = ("probe", "layer", "tower", "step", "relative_step", "feasible", "chosen")
_ROLES = ("forget/", "retain/")


@dataclass(frozen=True)
class LayerRow:
    """Scores of one layer at the original weights.

    Args:
        layer: Canonical name.
        tower: ``vision`` or ``text``.
        importance: Forget gradient norm over weight norm, at least 0; high is good.
        alignment: Absolute cosine of the two gradients, 0 to 1; low is good.
        weight_norm: Norm of the layer's weights.
        forget_norm: Norm of the mean forget gradient.
        retain_norm: Norm of the mean retain gradient.
        front: Whether the layer is on its tower's Pareto front.
    """

    layer: str
    tower: str
    importance: float
    alignment: float
    weight_norm: float
    forget_norm: float
    retain_norm: float
    front: bool


@dataclass(frozen=True)
class SearchRow:
    """One evaluated point of the step search.

    Args:
        probe: Running number.
        layer: Canonical name.
        tower: ``vision`` or ``text``.
        step: Positive scalar of the update.
        relative_step: ``step * ||g_f|| / ||theta||``.
        feasible: Whether the forget criterion is at or under its target here.
        chosen: Whether this is the point of the patch; at most one is.
        metrics: Shares, 0 to 1, by names that start with ``forget/`` or ``retain/``; a retained
            metric is None when it was not measured here, since the point could no longer be chosen.
    """

    probe: int
    layer: str
    tower: str
    step: float
    relative_step: float
    feasible: bool
    chosen: bool
    metrics: Mapping[str, float | None] = field(default_factory=dict)


def write_layers(path: Path, rows: Sequence[LayerRow]) -> None:
    """Write ``layers.csv``, whole or not at all; floats keep every digit."""
    table = [[_text(getattr(row, name)) for name in _LAYER_COLUMNS] for row in rows]
    _write(path, [*_LAYER_COLUMNS], table)


def read_layers(path: Path) -> list[LayerRow]:
    """Read ``layers.csv``.

    Raises:
        DataNotFoundError: If the file is not there.
        BadDataError: If columns are missing, a value is not what its column says, a layer occurs
            twice, or there is no row.
    """
    rows = [
        LayerRow(
            cell.word("layer"),
            cell.tower(),
            cell.number("importance", low=0),
            cell.number("alignment", low=0, high=1 + 1e-6),
            cell.number("weight_norm", low=0),
            cell.number("forget_norm", low=0),
            cell.number("retain_norm", low=0),
            cell.flag("front"),
        )
        for cell in _read(path, _LAYER_COLUMNS)
    ]
    names = [row.layer for row in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not rows:
        what = f"layer {twice[0]!r} more than once" if twice else "no layer"
        raise BadDataError(f"Expected {path.name} to hold one row for each layer, but got {what}.")
    return rows


def write_search(path: Path, rows: Sequence[SearchRow]) -> None:
    """Write ``search.csv``, whole or not at all; the metric columns are those of all rows together."""
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    head, tail = _SEARCH_COLUMNS[:5], _SEARCH_COLUMNS[5:]
    table = [
        [
            *(_text(getattr(row, name)) for name in head),
            *(_text(row.metrics.get(name)) for name in names),
            *(_text(getattr(row, name)) for name in tail),
        ]
        for row in rows
    ]
    _write(path, [*head, *names, *tail], table)


def read_search(path: Path) -> list[SearchRow]:
    """Read ``search.csv``; a search without a single point is an empty list.

    Raises:
        DataNotFoundError: If the file is not there.
        BadDataError: If columns are missing, a value is not what its column says, or more than
            one point is chosen.
    """
    rows = [
        SearchRow(
            probe=int(cell.number("probe", low=0)),
            layer=cell.word("layer"),
            tower=cell.tower(),
            step=cell.number("step", low=math.ulp(0)),
            relative_step=cell.number("relative_step", low=0),
            feasible=cell.flag("feasible"),
            chosen=cell.flag("chosen"),
            metrics=cell.metrics(),
        )
        for cell in _read(path, _SEARCH_COLUMNS)
    ]
    chosen = [row.probe for row in rows if row.chosen]
    if len(chosen) > 1:
        raise BadDataError(f"Expected at most one chosen point in {path.name}, but got {chosen}.")
    return rows


@dataclass(frozen=True)
class _Cells:
    """One row of a CSV file, read column by column with errors that name the place."""

    file: str
    line: int
    values: Mapping[str, str]

    def word(self, column: str) -> str:
        if not self.values[column]:
            raise self._bad(column, "a name")
        return self.values[column]

    def tower(self) -> str:
        if self.values["tower"] not in _TOWERS:
            raise self._bad("tower", "'vision' or 'text'")
        return self.values["tower"]

    def flag(self, column: str) -> bool:
        if self.values[column].lower() not in ("true", "false"):
            raise self._bad(column, "'true' or 'false'")
        return self.values[column].lower() == "true"

    def number(self, column: str, low: float, high: float = math.inf) -> float:
        try:
            value = float(self.values[column])
        except ValueError:
            raise self._bad(column, "a number") from None
        if not (math.isfinite(value) and low <= value <= high):
            allowed = f"a finite number of at least {low:g}"
            raise self._bad(column, allowed if math.isinf(high) else f"a number in {low:g}..{high:g}")
        return value

    def metrics(self) -> dict[str, float | None]:
        return {
            name: None if name.startswith("retain/") and not text else self.number(name, 0, 1)
            for name, text in self.values.items()
            if name.startswith(_ROLES)
        }

    def _bad(self, column: str, expected: str) -> BadDataError:
        return BadDataError(
            f"Expected {expected} in column {column!r} of {self.file}, line {self.line}, but got "
            f"{self.values[column]!r}."
        )


def _read(path: Path, columns: Sequence[str]) -> Iterator[_Cells]:
    lines = csv.reader(io.StringIO(read_text(path)))
    header = next(lines, [])
    for column in columns:
        if column not in header:
            raise BadDataError(
                f"Expected a column {column!r} in {path.name}, but got {header}. "
                f"Closest: {closest(column, header)}."
            )
    for values in lines:
        if not values:
            continue
        if len(values) != len(header):
            raise BadDataError(
                f"Expected {len(header)} values in {path.name}, line {lines.line_num}, but got "
                f"{len(values)}; the file may have been cut off."
            )
        yield _Cells(path.name, lines.line_num, dict(zip(header, values, strict=True)))


def _write(path: Path, header: list[str], table: list[list[str]]) -> None:
    draft = io.StringIO()
    csv.writer(draft, lineterminator="\n").writerows([header, *table])
    write_text(path, draft.getvalue())


def _text(value: float | bool | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(float(value)) if isinstance(value, float) else str(value)
