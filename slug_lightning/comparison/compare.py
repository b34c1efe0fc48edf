"""Run the cells of a comparison and write its table, again and again until all are there."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slug_lightning.atomic import write_text
from slug_lightning.comparison.apart import run_apart
from slug_lightning.comparison.building import check_request
from slug_lightning.comparison.cell import Task, read_cell, read_classes
from slug_lightning.comparison.request import GOLD, ORIGINAL, Cell, Request, cell_file
from slug_lightning.comparison.table import leaders, markdown, summarise
from slug_lightning.comparison.views import distance
from slug_lightning.curation.executors import Executor
from slug_lightning.reports.figures.comparison import comparison_figure
from slug_lightning.reports.figures.png import save_png
from slug_lightning.reports.figures.theme import DARK, LIGHT


def compare(
    request: Request, folder: Path, executor: Executor, say: Callable[[str], None] = print
) -> dict[str, Any]:
    """Run every cell that is not there yet, then write the tables and the figure.

    A cell that fails is written down with its error and tried again by the next call; the others go on.

    Args:
        request: What to run.
        folder: Of the comparison; cells of an earlier call with the same settings are kept.
        executor: Where cells run.
        say: Takes a line per cell.

    Returns:
        What ``comparison.json`` holds.

    Raises:
        SettingError: If the settings of a method cannot be read; no cell is run then.
    """
    check_request(request)
    cells = request.cells()
    tasks = [Task(request, cell, folder) for cell in cells]
    for concept in sorted(set(request.gold) - set(request.concepts)):
        say(f"The gold standard of {concept!r} is not used: that is none of the concepts.")
    for number, (cell, status) in enumerate(zip(cells, executor.run(run_apart, tasks), strict=True), start=1):
        say(f"[{number}/{len(cells)}] {cell.name}: {status}")
    return write_tables(request, folder)


def write_tables(request: Request, folder: Path) -> dict[str, Any]:
    """Write the tables of the cells that are there.

    Returns:
        What ``comparison.json`` holds.
    """
    found = collect(request, folder)
    write_text(folder / "comparison.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "comparison.md", _page(found))
    if found["rows"]:
        for name, theme in (("comparison", LIGHT), ("comparison_dark", DARK)):
            save_png(comparison_figure(found["rows"], (ORIGINAL, GOLD), theme), folder / f"{name}.png")
    return found


def collect(request: Request, folder: Path) -> dict[str, Any]:
    """Rows of the finished cells, failed cells with their errors, and those that are still to come."""
    finished, failed, missing = [], [], []
    for cell in request.cells():
        path, key = cell_file(folder, cell), request.key(cell)
        if (content := read_cell(path, key)) is not None:
            finished.append(content)
        elif (error := read_cell(path.with_suffix(".error.json"), key)) is not None:
            failed.append({"cell": asdict(cell), "error": error["error"]})
        else:
            missing.append(asdict(cell))
    finished, unlike = _with_distances(finished, folder)
    rows = summarise(finished)
    return {
        "format_version": 1,
        "request": asdict(request),
        "rows": rows,
        "leaders": leaders(finished),
        "failed": failed,
        "missing": missing,
        "other_images": unlike,
        "cells": finished,
    }


def _with_distances(
    cells: list[dict[str, Any]], folder: Path
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The cells with how far they are from the gold standard, and those that saw other images than it.

    What two models said is in memory at a time.
    """
    gold = {cell["cell"]["concept"]: Cell(**cell["cell"]) for cell in cells if cell["cell"]["method"] == GOLD}
    found, unlike = [], []
    for cell in cells:
        measured, reference = None, gold.get(cell["cell"]["concept"])
        if reference is not None:
            said, gold_said = (read_classes(folder, one) for one in (Cell(**cell["cell"]), reference))
            measured = distance(said, gold_said) if said and gold_said else None
            if measured is None:
                unlike.append(cell["cell"])
        found.append({**cell, "distance": measured})
    return found, unlike


def _page(found: dict[str, Any]) -> str:
    request, cells = found["request"], len(found["cells"])
    total = cells + len(found["failed"]) + len(found["missing"])
    gold = ", ".join(name for name in request["gold"] if name in request["concepts"]) or "no concept"
    lines = [
        f"{cells} of {total} cells: {len(request['concepts'])} concepts ({', '.join(request['concepts'])}), "
        f"seeds {', '.join(map(str, request['seeds']))}; mean ± sample standard deviation over cells. "
        f"Figures of final images. The gold standard, and distances to it, are of {gold}.\n",
        markdown(found["rows"]),
        *found["leaders"],
    ]
    if found["failed"]:
        lines += ["\nFailed cells:\n", *(f"- {_name(entry)}: {entry['error']}" for entry in found["failed"])]
    if found["other_images"]:
        lines.append(
            f"\n{len(found['other_images'])} cells have no distance: their final images were others than the "
            "gold standard's. If the data have changed since, compare in a new folder."
        )
    if found["missing"]:
        lines.append(
            f"\n{len(found['missing'])} cells are still to be run: the same command goes on with them."
        )
    return "\n".join(lines) + "\n"


def _name(entry: dict[str, Any]) -> str:
    cell = entry["cell"]
    return f"{cell['method']}, {cell['concept']}, seed {cell['seed']}"
