"""What one source gives: pairs, and counts of what was left out and why."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from slug_lightning.curation.query import Query

MAX_LOOKALIKES = 5
MAX_JSON_BYTES = 1 << 20


@dataclass(frozen=True)
class About:
    """What a source says about a pair beside image and caption.

    Attributes:
        url: Where the image came from.
        sha256: Digest of the image as it was downloaded; differs from that of the stored bytes where
            img2dataset resized or encoded it again.
        original_size: Width and height before resizing, pixels.
    """

    url: str = ""
    sha256: str = ""
    original_size: tuple[int, int] | None = None

    @classmethod
    def of(cls, facts: Any) -> "About":
        """From a row of img2dataset's parquet, or its json; anything odd is left out.

        Example:
            >>> About.of({"url": "https://host/a", "original_width": 64, "original_height": 48, "sha256": 7})
            About(url='https://host/a', sha256='', original_size=(64, 48))
        """
        if not isinstance(facts, dict):
            return cls()
        url, sha256 = (_text(facts.get(name)) for name in ("url", "sha256"))
        size = facts.get("original_width"), facts.get("original_height")
        known = all(type(side) is int and 0 < side < 2**31 for side in size)
        return cls(url, sha256, (size[0], size[1]) if known else None)  # type: ignore[arg-type]

    @classmethod
    def parse(cls, data: bytes) -> "About":
        """From the bytes of a json member.

        Example:
            >>> About.parse(b"no json") == About()
            True
        """
        try:
            return cls.of(json.loads(data)) if len(data) <= MAX_JSON_BYTES else cls()
        except (ValueError, RecursionError):
            return cls()


@dataclass(frozen=True)
class FoundPair:
    """One pair, read and found usable.

    Attributes:
        position: Its number in the source.
        key: Its name in the source.
        caption: Its caption as it is stored.
        image: Its image as it is stored, encoded.
        suffix: Suffix of the image: ``jpg``, ``png``, ...
        about: What else is known of it.
    """

    position: int
    key: str
    caption: str
    image: bytes
    suffix: str
    about: About = About()

    @cached_property
    def sha256(self) -> str:
        """Digest of the stored image."""
        return hashlib.sha256(self.image).hexdigest()


@dataclass
class Harvest:
    """What one source gave.

    Attributes:
        pairs: Captions that were looked at.
        matched: Those that name the concept.
        found: Usable pairs, by position.
        counts: What was left out by reason; ``no_caption`` and the like only as far as they were noticed.
        lookalikes: A few captions that only resemble the concept.
        problems: One sentence for each thing that is wrong with the source.
        searched: What the captions were read from: a file's name, or ``tar``.
    """

    pairs: int = 0
    matched: int = 0
    found: list[FoundPair] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    lookalikes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    searched: str = ""

    def note(self, caption: str) -> None:
        """Remember a caption that resembles the concept, the first few only."""
        if len(self.lookalikes) < MAX_LOOKALIKES:
            self.lookalikes.append(caption[:200])

    def is_full(self, query: Query) -> bool:
        """Whether the source need not give more."""
        if query.limit is None or len(self.found) < query.limit:
            return False
        return not query.distinct or len({pair.sha256 for pair in self.found}) >= query.limit


def _text(value: Any) -> str:
    """A string that can be written as UTF-8, or nothing."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode()
