"""The cells of a comparison as one row per method: mean and standard deviation, JSON and Markdown."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slug_lightning.comparison.request import GOLD, ORIGINAL

GOLD_MAY_LACK = 5.0  # points of other identities
TRIALS_SAID_ABOVE = 1.1  # times the fewest trials: a winner that had more is said to have
NOTHING = "\u2013"  # where there is no figure
Content = Mapping[str, Any]  # of a cell's file


@dataclass(frozen=True)
class Column:
    """One figure of the table.

    Attributes:
        name: Key in the JSON.
        title: Head in the table.
        value: Takes it from a cell; ``None`` where the cell has none.
        form: Format of mean and deviation.
        unit: Behind the title.
    """

    name: str
    title: str
    value: Callable[[Content], float | None]
    form: str = ".1f"
    unit: str = "%"


def _metric(name: str) -> Callable[[Content], float | None]:
    def value(cell: Content) -> float | None:
        entry = cell["metrics"].get(name)
        return None if entry is None else 100 * float(entry["value"])

    return value


def _cost(name: str, scale: float = 1.0) -> Callable[[Content], float | None]:
    def value(cell: Content) -> float | None:
        found = cell["cost"].get(name)
        return None if found is None else float(found) * scale

    return value


def _membership(cell: Content) -> float | None:
    return None if cell["membership"] is None else 100 * float(cell["membership"]["value"])


def _distance(name: str) -> Callable[[Content], float | None]:
    return lambda cell: None if cell["distance"] is None else float(cell["distance"][name])


COLUMNS = (
    Column("forget_top1", "FA@1 ↓", _metric("forget/top1")),
    Column("forget_top5", "FA@5 ↓", _metric("forget/top5")),
    Column("identities", "other identities ↑", _metric("retain/identities_top1")),
    Column("styles", "styles ↑", _metric("retain/imagenet_top1")),
    Column("membership", "membership (50 ideal)", _membership),
    Column("distance_concept", "distance, concept ↓", _distance("concept"), ".3f", "bits"),
    Column("distance_rest", "distance, rest ↓", _distance("rest"), ".3f", "bits"),
    Column("seconds", "search", _cost("processor_seconds"), ".1f", "CPU s"),
    Column("memory", "memory", _cost("memory_bytes", 1e-6), ".0f", "MB"),
    Column("stored", "to store", _cost("patch_bytes", 1e-3), ".0f", "kB"),
)


def summarise(cells: Sequence[Content]) -> list[dict[str, Any]]:
    """One entry per method, in the order of the cells: counts, mean and sample deviation of every figure.

    Args:
        cells: Contents of finished cells.
    """
    methods = dict.fromkeys(str(cell["cell"]["method"]) for cell in cells)
    order = [*methods]
    order.sort(key=lambda name: (name != ORIGINAL, name != GOLD))  # stable: the references first
    return [_row(name, [cell for cell in cells if cell["cell"]["method"] == name]) for name in order]


def _row(method: str, cells: Sequence[Content]) -> dict[str, Any]:
    return {
        "method": method,
        "cells": len(cells),
        "concepts": sorted({str(cell["cell"]["concept"]) for cell in cells}),
        "seeds": sorted({int(cell["cell"]["seed"]) for cell in cells}),
        "feasible": sum(bool(cell["feasible"]) for cell in cells),
        "trials": statistics.mean(cell["trials"] for cell in cells),
        "figures": {column.name: _figure(column, cells) for column in COLUMNS},
    }


def _figure(column: Column, cells: Sequence[Content]) -> dict[str, float | int] | None:
    values = [value for cell in cells if (value := column.value(cell)) is not None]
    if not values:
        return None
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": statistics.mean(values), "sd": deviation, "n": len(values)}


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table: mean ± standard deviation over the cells of a method; a dash where there is no figure."""
    heads = [f"{column.title}, {column.unit}" for column in COLUMNS]
    lines = [
        f"| method | cells | feasible | trials | {' | '.join(heads)} |",
        f"|---|--:|--:|--:|{'--:|' * len(heads)}",
    ]
    for row in rows:
        reference = row["method"] in (ORIGINAL, GOLD)
        feasible = NOTHING if reference else f"{row['feasible']} of {row['cells']}"
        trials = NOTHING if reference else f"{row['trials']:.0f}"
        figures = [_text(column, row["figures"][column.name], row["cells"]) for column in COLUMNS]
        lines.append(f"| {row['method']} | {row['cells']} | {feasible} | {trials} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"


def _text(column: Column, figure: Mapping[str, float] | None, cells: int) -> str:
    if figure is None:
        return NOTHING
    text = f"{figure['mean']:{column.form}}"
    if figure["n"] > 1:
        text += f" ± {figure['sd']:{column.form}}"
    return text if figure["n"] == cells else f"{text} (n={figure['n']})"


def shared_cells(cells: Sequence[Content]) -> list[Content]:
    """The cells of concepts and seeds that every method has, so that means are of the same ones."""
    places: dict[str, set[tuple[str, int]]] = {}
    for cell in cells:
        places.setdefault(cell["cell"]["method"], set()).add(_place(cell))
    methods = [found for method, found in places.items() if method != GOLD]
    common = set.intersection(*methods) if methods else set()
    return [cell for cell in cells if _place(cell) in common]


def _place(cell: Content) -> tuple[str, int]:
    return cell["cell"]["concept"], cell["cell"]["seed"]


RANKED = (
    ("forget_top1", "Least of the concept recognised", min),
    ("identities", "Most of the other identities", max),
    ("styles", "Most of the styles", max),
    ("distance_concept", "Closest to the gold standard on the concept", min),
    ("distance_rest", "Closest to the gold standard on the rest", min),
    ("seconds", "Least processor time", min),
    ("memory", "Least memory", min),
    ("stored", "Fewest bytes to store", min),
)


def leaders(cells: Sequence[Content]) -> list[str]:
    """Who is ahead, in plain sentences, among the methods that reached their target in every cell they have.

    A method that forgets less is not compared on what it retains. Means are of the cells that all methods
    have. Ties name all; who tried more settings than others is said to have.

    Args:
        cells: Contents of finished cells.
    """
    rows = [row for row in summarise(cells) if row["method"] not in (ORIGINAL, GOLD)]
    failing = {row["method"]: row for row in rows if row["feasible"] < row["cells"]}
    sentences = [
        f"{name}: no feasible point in {row['cells'] - row['feasible']} of {row['cells']} cells."
        for name, row in failing.items()
    ]
    shared = [row for row in summarise(shared_cells(cells)) if row["method"] not in (ORIGINAL, GOLD)]
    if shared and shared[0]["cells"] < max(row["cells"] for row in rows):
        sentences.append(f"What follows is of the {shared[0]['cells']} cells that all methods have.")
    able = [row for row in shared if row["method"] not in failing]
    doubt = _doubt(cells)
    ranked = [entry for entry in RANKED if not (doubt and entry[0].startswith("distance"))]
    return sentences + ([doubt] if doubt else []) + [s for entry in ranked if (s := _leader(able, *entry))]


def _leader(rows: Sequence[Mapping[str, Any]], name: str, what: str, best_of: Callable[..., float]) -> str:
    known = [(row["figures"][name]["mean"], row) for row in rows if row["figures"][name]]
    if not known:
        return ""
    best = best_of(value for value, _ in known)
    bound = TRIALS_SAID_ABOVE * min(row["trials"] for row in rows)
    names = [
        row["method"] + (f" with {row['trials']:.0f} trials" if row["trials"] > bound else "")
        for value, row in known
        if value == best
    ]
    column = next(column for column in COLUMNS if column.name == name)
    return f"{what}: {' and '.join(names)} ({best:{column.form}} {column.unit})."


def _doubt(cells: Sequence[Content]) -> str:
    """Why the gold standard is none: it must know what it was trained on."""
    places = {_place(cell) for cell in cells if cell["cell"]["method"] == GOLD}
    figures = {
        row["method"]: row["figures"]["identities"]
        for row in summarise([cell for cell in cells if _place(cell) in places])
    }
    if not figures.get(ORIGINAL) or not figures.get(GOLD):
        return ""
    original, gold = figures[ORIGINAL]["mean"], figures[GOLD]["mean"]
    if gold > original - GOLD_MAY_LACK:
        return ""
    return (
        f"The gold standard knows {gold:.1f} % of the other identities and the original {original:.1f} %: it "
        "was trained too little to be one, and distances to it mean nothing."
    )
