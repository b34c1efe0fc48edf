"""The benchmark's table in Markdown: published rows and, beside them, what was measured here."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slug_lightning.canvas.protocol import Protocol
from slug_lightning.canvas.results import ACCURACIES, Averages

PUBLISHED = Path(__file__).parent / "published.json"
HEAD = (
    "| method | style UA ↑ | IRA ↑ | CRA ↑ | object UA ↑ | IRA ↑ | CRA ↑ | FID ↓ | time, s ↓ | memory, GB ↓ "
    "| storage, GB ↓ |"
)


def published_rows() -> list[dict[str, Any]]:
    """Published rows, in percent, each with its source."""
    rows: list[dict[str, Any]] = json.loads(PUBLISHED.read_text(encoding="utf-8"))["rows"]
    return rows


def canvas_table(measured: Sequence[tuple[str, Averages]], protocol: Protocol) -> str:
    """Published rows, then measured ones, then what must be known to read them.

    Args:
        measured: Name and averages of each row that was measured here.
        protocol: The benchmark that they were measured on.
    """
    rows = published_rows()
    lines = [HEAD, "|---" + "|--:" * 10 + "|"]
    lines += [_line(row["method"], row["style"], row["object"], row) for row in rows]
    lines += [_measured_line(name, found) for name, found in measured]
    lines += ["", *_sources(rows), *_remarks(measured, protocol)]
    return "\n".join(lines) + "\n"


def _measured_line(name: str, found: Averages) -> str:
    def percents(figures: Mapping[str, float] | None) -> Mapping[str, float] | None:
        return None if figures is None else {key: 100 * value for key, value in figures.items()}

    rest = {key: getattr(found, key) for key in ("fid", "seconds", "memory_gb", "storage_gb")}
    return _line(f"**{name}**", percents(found.style), percents(found.object), rest)


def _line(
    name: str, style: Mapping[str, float] | None, thing: Mapping[str, float] | None, rest: Mapping[str, Any]
) -> str:
    cells = [_figure((part or {}).get(key), ".2f") for part in (style, thing) for key in ACCURACIES]
    cells += [
        _figure(rest["fid"], ".2f"),
        _figure(rest["seconds"], ",.0f"),
        _figure(rest["memory_gb"], ".1f"),
    ]
    return "| " + " | ".join([name, *cells, _figure(rest["storage_gb"], ".2g")]) + " |"


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _sources(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    by_source: dict[str, list[str]] = {}
    for row in rows:
        by_source.setdefault(row["source"], []).append(row["method"])
    return [
        f"- {', '.join(names)}: <{source}>; empty cells: no figure could be read there."
        for source, names in by_source.items()
    ]


def _remarks(measured: Sequence[tuple[str, Averages]], protocol: Protocol) -> list[str]:
    lines = []
    if protocol.name != "unlearncanvas":
        lines.append(
            f"- The bold rows are of the protocol {protocol.name!r} ({len(protocol.themes)} themes, "
            f"{len(protocol.objects)} objects): another model, other images, other classifiers. They show "
            "what the method does there and are **not comparable** with the published rows."
        )
    for name, found in measured:
        lines.append(
            f"- {name}: {found.styles} of {len(protocol.styles)} target styles and {found.objects} of "
            f"{len(protocol.objects)} target objects."
        )
        if found.unpatched:
            lines.append(
                f"- {name}: without a patch, and counted as the original: {', '.join(found.unpatched)}."
            )
    return lines
