"""The cells of a comparison as one row per method: mean and standard deviation, JSON and Markdown."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slug_lightning.comparison.request import GOLD, ORIGINAL

GOLD_MAY_LACK = 5.0  # points of other identities
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


def _distance(name: str) -> Callable[[Content], float | None]:
    return lambda cell: None if cell["distance"] is None else float(cell["distance"][name])


COLUMNS = (
    Column("forget_top1", "FA@1 ↓", _metric("forget/top1")),
    Column("forget_top5", "FA@5 ↓", _metric("forget/top5")),
    Column("identities", "other identities ↑", _metric("retain/identities_top1")),
    Column("styles", "styles ↑", _metric("retain/imagenet_top1")),
    Column("membership", "membership (50 ideal)", lambda cell: 100 * float(cell["membership"]["value"])),
    Column("distance_concept", "distance, concept ↓", _distance("concept"), ".3f", "bits"),
    Column("distance_rest", "distance, rest ↓", _distance("rest"), ".3f", "bits"),
    Column("seconds", "search", _cost("processor_seconds"), ".1f", "CPU s"),
    Column("memory", "memory", _cost("memory_bytes", 1e-6), ".0f", "MB"),
    Column("stored", "to store", _cost("patch_bytes", 1e-3), ".0f", "kB"),
)


def summarise(cells: Sequence[Content]) -> list[dict[str, Any]]:
    """One entry per method, in the order of the cells: counts, and mean and deviation of every figure.

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
    return {"mean": statistics.mean(values), "sd": statistics.pstdev(values), "n": len(values)}


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

    def place(cell: Content) -> tuple[str, int]:
        return cell["cell"]["concept"], cell["cell"]["seed"]

    places: dict[str, set[tuple[str, int]]] = {}
    for cell in cells:
        places.setdefault(cell["cell"]["method"], set()).add(place(cell))
    methods = [found for method, found in places.items() if method != GOLD]
    common = set.intersection(*methods) if methods else set()
    return [cell for cell in cells if place(cell) in common]


def leaders(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who is ahead, in plain sentences, among the methods that reached their target in every cell.

    A method that forgets less is not compared on what it retains. Ties name all.

    Args:
        rows: Of cells that all methods share; see ``shared_cells``.
    """
    methods = [row for row in rows if row["method"] not in (ORIGINAL, GOLD)]
    able = [row for row in methods if row["feasible"] == row["cells"]]
    sentences = [
        f"{row['method']}: no feasible point in {row['cells'] - row['feasible']} of {row['cells']} cells."
        for row in methods
        if row not in able
    ]
    ranked = (
        ("forget_top1", "least of the concept recognised", False),
        ("identities", "most of the other identities", True),
        ("styles", "most of the styles", True),
        ("distance_concept", "closest to the gold standard on the concept", False),
        ("distance_rest", "closest to the gold standard on the rest", False),
        ("seconds", "least processor time", False),
        ("memory", "least memory", False),
        ("stored", "fewest bytes to store", False),
    )
    for name, what, high in ranked:
        if name.startswith("distance") and (doubt := _doubt(rows)):
            sentences += [doubt] if doubt not in sentences else []
            continue
        known = [(row["figures"][name]["mean"], row["method"]) for row in able if row["figures"][name]]
        if not known:
            continue
        best = max(known)[0] if high else min(known)[0]
        column = next(column for column in COLUMNS if column.name == name)
        names = " and ".join(method for value, method in known if value == best)
        sentences.append(f"{what[0].upper()}{what[1:]}: {names} ({best:{column.form}} {column.unit}).")
    return sentences


def _doubt(rows: Sequence[Mapping[str, Any]]) -> str:
    """Why the gold standard is none: it must know what it was trained on."""
    known = {row["method"]: row["figures"]["identities"] for row in rows if row["method"] in (ORIGINAL, GOLD)}
    if len(known) < 2 or not all(known.values()):
        return ""
    original, gold = (known[name]["mean"] for name in (ORIGINAL, GOLD))
    if gold > original - GOLD_MAY_LACK:
        return ""
    return (
        f"The gold standard knows {gold:.1f} % of the other identities and the original {original:.1f} %: it "
        "was trained too little to be one, and distances to it mean nothing."
    )
