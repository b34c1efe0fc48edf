"""What is looked for in captions, and how much of it."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from slug_lightning.data.captions import concept_pattern, concept_words, fold
from slug_lightning.data.images import MAX_PIXELS

Judgement = Literal["names", "resembles", "other"]


@dataclass(frozen=True)
class Query:
    """A concept as captions name it; the same matcher that keeps it out of retain pairs in ``slug fit``.

    Attributes:
        concept: The concept's name.
        aliases: Other spellings.
        regex: Pattern for what names do not cover; see ``concept_pattern``.
        limit: No source needs to give more pairs than this; ``None`` for all.
        distinct: Whether the limit counts different images only.
        max_pixels: Larger images are not usable.

    Raises:
        SettingError: If a name is empty or the regex is none.

    Example:
        >>> query = Query("art")
        >>> [query.judge(caption) for caption in ("Pop ART poster", "Bart Simpson", "a lake")]
        ['names', 'resembles', 'other']
    """

    concept: str
    aliases: tuple[str, ...] = ()
    regex: str | None = None
    limit: int | None = None
    distinct: bool = False
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        _ = self.pattern, self.words

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the concept in folded captions."""
        return concept_pattern([self.concept, *self.aliases], self.regex)

    @cached_property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """Folded words of each name."""
        return tuple(concept_words([self.concept, *self.aliases]))

    def matches(self, caption: str) -> bool:
        """Whether a caption names the concept."""
        return self.pattern.search(fold(caption)) is not None

    def judge(self, caption: str) -> Judgement:
        """Whether a caption names the concept, or only has the letters of a name, in a row or in pieces."""
        folded = fold(caption)
        if self.pattern.search(folded):
            return "names"
        return "resembles" if any(all(w in folded for w in words) for words in self.words) else "other"
