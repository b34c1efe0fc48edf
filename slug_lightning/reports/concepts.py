"""``concepts.json``: what several deletions on one model do together, and its table for the terminal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slug_lightning.atomic import write_text
from slug_lightning.reports.documents import read_json_object
from slug_lightning.reports.wording import percent, points

FORGET = "forget/top1"


@dataclass(frozen=True)
class ConceptRow:
    """One concept of a request.

    Attributes:
        concept: Its name.
        run: Folder of its run, as ``<concept>/<time>``.
        feasible: Whether a point removed it; if not, it has no patch.
        layer: The edited layer.
        step: Its step.
        before: Accuracy entry (``value``, ``n``, ``ci95``) of the concept on the model its run started from.
        alone: The same after its own patch alone; ``None`` without one.
        together: The same on the model with all patches.
    """

    concept: str
    run: str
    feasible: bool
    layer: str | None
    step: float | None
    before: Mapping[str, Any]
    alone: Mapping[str, Any] | None
    together: Mapping[str, Any]

    @classmethod
    def of(
        cls, concept: str, run: Path, report: Mapping[str, Any], together: Mapping[str, Any]
    ) -> "ConceptRow":
        """The row of a run's report and the figures of all patches together."""
        feasible, forget = report["feasible"], report["metrics"][FORGET]
        return cls(
            concept=concept,
            run=f"{run.parent.name}/{run.name}",
            feasible=feasible,
            layer=report["layer"] if feasible else None,
            step=report["step"] if feasible else None,
            before=forget["before"],
            alone=forget["after"] if feasible else None,
            together=together[FORGET],
        )

    @property
    def drift(self) -> float | None:
        """What the other patches changed in this concept's forget accuracy, ``together - alone``."""
        return None if self.alone is None else float(self.together["value"] - self.alone["value"])

    def entry(self) -> dict[str, Any]:
        """As in the file."""
        return {**asdict(self), "drift": self.drift}


def kept_figures(
    reports: Sequence[Mapping[str, Any]], together: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Figures of what must stay: before the first run, the lowest after one patch alone, with all patches.

    Args:
        reports: Of the runs, in their order.
        together: Entries by metric name on the model with all patches.
    """
    found = {}
    for name, entry in reports[0]["metrics"].items():
        if name.startswith("retain/"):
            after = [report["metrics"][name]["after"] for report in reports if report["feasible"]]
            lowest = min(after, key=lambda a: float(a["value"]), default=None)
            found[name] = {"before": entry["before"], "lowest_alone": lowest, "together": together[name]}
    return found


def write_concepts(path: Path, document: Mapping[str, Any]) -> None:
    """Write ``concepts.json``, whole or not at all."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def read_concepts(path: Path) -> dict[str, Any]:
    """Read ``concepts.json``.

    Raises:
        DataNotFoundError: If the file is not there.
        BadDataError: If it is not JSON.
    """
    return read_json_object(path)


def concepts_summary(document: Mapping[str, Any], folder: Path) -> RenderableType:
    """Forget accuracy of each concept and what must stay, before and with all patches; print it with rich."""
    concepts = document["concepts"]
    done = sum(row["feasible"] for row in concepts)
    heading = f"{done} of {len(concepts)} concepts have a patch ({document['order']})"
    parts = [Text(heading, style="bold green" if done == len(concepts) else "bold yellow")]
    tables = [_forgotten(concepts), _kept(document["retained"])]
    hint = [Text(sentence, style="yellow") for sentence in _interference(document)]
    return Group(*parts, *tables, *hint, Text(str(folder / "concepts.json")))


def _interference(document: Mapping[str, Any]) -> list[str]:
    """What to do where patches that were found apart harm more together than each alone."""
    worse = [
        f"{name.removeprefix('retain/')} {percent(entry['together']['value'])}, "
        f"lowest alone {percent(entry['lowest_alone']['value'])}"
        for name, entry in document["retained"].items()
        if entry["lowest_alone"] and entry["together"]["ci95"][1] < entry["lowest_alone"]["value"]
    ]
    worse += [f"{row['concept']} {points(row['drift'])}" for row in document["concepts"] if _came_back(row)]
    if document["order"] == "sequential" or not worse:
        return []
    return [
        f"Together the patches do more than each alone ({'; '.join(worse)}). "
        "Try --data.order sequential: each concept is then searched on the model without those before it."
    ]


def _came_back(row: Mapping[str, Any]) -> bool:
    """Whether the concept is recognised more often than chance explains, beside other patches."""
    return row["alone"] is not None and row["together"]["ci95"][0] > row["alone"]["value"]


def _forgotten(concepts: list[dict[str, Any]]) -> Table:
    table = _table("↓ recognised, top-1", "before", "alone", "together", "drift", "layer")
    for row in concepts:
        alone = "no patch" if row["alone"] is None else percent(row["alone"]["value"])
        drift = "" if row["drift"] is None else points(row["drift"])
        figures = percent(row["before"]["value"]), alone, percent(row["together"]["value"]), drift
        table.add_row(Text(row["concept"]), *map(Text, figures), Text(row["layer"] or "", overflow="fold"))
    return table


def _kept(retained: Mapping[str, Any]) -> Table:
    table = _table("↑ what must stay", "before", "lowest alone", "together", "change")
    for name, entry in retained.items():
        before, together = entry["before"]["value"], entry["together"]["value"]
        alone = "" if entry["lowest_alone"] is None else percent(entry["lowest_alone"]["value"])
        figures = percent(before), alone, percent(together), points(together - before)
        table.add_row(Text(name.removeprefix("retain/")), *map(Text, figures))
    return table


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text(first))
    for column in columns:
        table.add_column(column, justify="left" if column == "layer" else "right", no_wrap=column != "layer")
    return table
