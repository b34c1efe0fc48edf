"""The audit section of a report: whatever ``audit.json`` holds, as headings, facts and tables.

The file is written by ``slug audit``; this knows nothing of its attacks. An object becomes a heading with its
plain values as facts, a list of objects a table, and text stays text.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slug_lightning.reports.document.blocks import Block, Bullets, Facts, Heading, Table, Text
from slug_lightning.reports.wording import figures

_HIDDEN = ("format_version",)
_MOST_ROWS, _DEEPEST = 40, 4


def audit_blocks(audit: Mapping[str, Any]) -> list[Block]:
    """The section without its heading.

    Args:
        audit: The object in ``audit.json``.
    """
    return list(_of_object({name: v for name, v in audit.items() if name not in _HIDDEN}, 2))


def _of_object(entry: Mapping[str, Any], level: int) -> Iterator[Block]:
    simple = {name: value for name, value in entry.items() if _is_plain(value)}
    if simple:
        yield Facts([(_words(name), _shown(value)) for name, value in simple.items()])
    for name, value in entry.items():
        if name not in simple:
            yield Heading(_words(name), min(level, _DEEPEST))
            yield from _of_value(value, level + 1)


def _of_value(value: Any, level: int) -> Iterator[Block]:
    if isinstance(value, Mapping):
        yield from _of_object(value, level)
    elif value and all(isinstance(row, Mapping) and all(map(_is_plain, row.values())) for row in value):
        yield _table(value)
        if len(value) > _MOST_ROWS:
            yield Text(f"{len(value) - _MOST_ROWS} more rows are in audit.json.", "note")
    else:
        for inner in value:
            if isinstance(inner, Mapping):
                yield from _of_object(inner, level)
            else:
                yield Bullets([_shown(inner)])


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    numeric = [all(isinstance(row.get(name), int | float | None) for row in rows) for name in names]
    return Table(
        columns=[_words(name) for name in names],
        rows=[[_shown(row.get(name)) for name in names] for row in rows[:_MOST_ROWS]],
        align="".join("r" if number else "l" for number in numeric),
        widths=[0 if number else 1 for number in numeric],
        small=True,
    )


def _is_plain(value: Any) -> bool:
    """Whether a value fits a cell: no object, and a list only of a few numbers, as an interval is."""
    if isinstance(value, list):
        return len(value) <= 4 and all(isinstance(x, int | float | None) for x in value)
    return not isinstance(value, Mapping)


def _shown(value: Any) -> str:
    if value is None:
        return "\u2013"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return figures(value)
    return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)


def _words(name: str) -> str:
    """A key as words."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
