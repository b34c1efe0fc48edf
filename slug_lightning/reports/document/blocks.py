"""What a report is made of: blocks of plain text, which the HTML page and the PDF each draw in their way.

Text is never markup: names and captions come through as they are. Between backquotes it is code.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Tone = Literal["plain", "note", "met", "unmet"]
Row = Sequence[str]


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is a section."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Text:
    """A paragraph: plain, a small note, or the verdict (criterion met or not)."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    rows: Sequence[Row]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        columns: Titles.
        rows: As many cells each.
        align: ``l`` or ``r`` for each column.
        widths: Relative width of each column; 0 is as wide as its content.
        strong: Numbers of rows that stand out.
        small: Whether it is long and is set small.
    """

    columns: Row
    rows: Sequence[Row]
    align: str
    widths: Sequence[float]
    strong: Sequence[int] = ()
    small: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Lines to type."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A figure by its name, with a caption and what it shows in words."""

    name: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Card:
    """One image with what the model takes it for, before and after: ``(name, share)`` each."""

    image: str
    title: str
    subtitle: str
    before: Sequence[tuple[str, str]]
    after: Sequence[tuple[str, str]]
    truth: str


@dataclass(frozen=True)
class Cards:
    """Images side by side."""

    cards: Sequence[Card]


Block = Heading | Text | Facts | Table | Bullets | Code | Picture | Cards


def plain(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """The blocks as plain values, each with its ``kind``.

    Example:
        >>> plain([Heading("Data", 2)])
        [{'kind': 'heading', 'text': 'Data', 'level': 2}]
    """
    return [{"kind": type(block).__name__.lower(), **asdict(block)} for block in blocks]
