"""Whether a caption names a concept."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import groupby

from slug_lightning.errors import SettingError


def fold(text: str) -> str:
    """Text without case, accents, invisible characters and runs of white space, for comparing.

    All dashes are one. Text of ASCII alone is only put in lower case and trimmed; ``slug curate`` relies on
    that where it searches captions before they are folded.

    Example:
        >>> fold("  Beyoncé   KNOWLES\u2010Carter ")
        'beyonce knowles-carter'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).translate(_folding()).casefold()
    return " ".join(text.lower().split())


def concept_folder(concept: str) -> str:
    """A concept as a folder name: letters, digits, ``_`` and ``-`` alone.

    Example:
        >>> concept_folder("Elon Musk"), concept_folder("../x")
        ('Elon_Musk', 'x')
    """
    return re.sub(r"[^\w-]+", "_", concept).strip("_") or "concept"


def concept_words(names: str | Sequence[str]) -> list[tuple[str, ...]]:
    """The folded words of each name, in order.

    Raises:
        SettingError: If a name is empty.

    Example:
        >>> concept_words(["Elon Musk", "@elonmusk"])
        [('elon', 'musk'), ('@elonmusk',)]
    """
    given = [names] if isinstance(names, str) else list(names)
    words = [tuple(word for word in _JOINTS.split(fold(name)) if word) for name in given]
    if not words or not all(words):
        raise SettingError(f"Expected names of the concept but got {names!r}.")
    return words


def concept_pattern(names: str | Sequence[str], regex: str | None = None) -> re.Pattern[str]:
    """Pattern that finds any of the names, or the regex, in a *folded* caption, as whole words.

    Words of a name may be joined by spaces, hyphens or underscores. In scripts that put no spaces
    between words a name is found only where punctuation sets it off.

    Args:
        names: The concept's name, or its name and other spellings.
        regex: Python pattern for what names do not cover. It is held against folded captions, so it is
            written without accents; case does not count; it must begin and end where words do.

    Returns:
        The pattern; use it on ``fold(caption)``.

    Raises:
        SettingError: If a name is empty, or the regex is none, has accents, or matches nothing at all.

    Example:
        >>> pattern = concept_pattern("Elon Musk", r"musk's (rocket|tesla)s?")
        >>> captions = ("ELON-MUSK", "Elon Muskrat", "Musk's TESLA", "musk's teslabot")
        >>> [bool(pattern.search(fold(caption))) for caption in captions]
        [True, False, True, False]
    """
    phrases = ["[ _-]+".join(map(re.escape, words)) for words in concept_words(names)]
    if regex is not None:
        _check_regex(regex)
        phrases.append(f"(?i:{regex})")
    # The wide class of letters costs time on every character, and only some scripts need it.
    letter = r"[^\W_]" if all(map(str.isascii, phrases)) else rf"(?:[^\W_]|[{_marks()}])"
    return re.compile(rf"(?<!{letter})(?:{'|'.join(phrases)})(?!{letter})")


def names_concept(caption: str, names: str | Sequence[str], regex: str | None = None) -> bool:
    """Whether a caption names the concept: whole words, case and accents ignored.

    Args:
        caption: Any text.
        names: The concept's name, or its name and other spellings.
        regex: See ``concept_pattern``.

    Example:
        >>> names_concept("Pop ART poster", "art"), names_concept("Bart Simpson", "art")
        (True, False)
    """
    return concept_pattern(names, regex).search(fold(caption)) is not None


_JOINTS = re.compile("[ _-]+")
_LAST = 0x20000  # planes of the living scripts


def _check_regex(regex: str) -> None:
    bare = "".join(c if c.isascii() else fold(c) for c in regex)
    if bare != "".join(c if c.isascii() else c.lower() for c in regex):
        raise SettingError(
            f"Expected a regex without accents but got {regex!r}: captions are compared without them; "
            f"write {bare!r}."
        )
    try:
        empty = re.compile(regex).fullmatch("") is not None
        re.compile(f"(?i:{regex})")  # as it is used: flags at its start are no longer at the start
    except (re.error, RecursionError, OverflowError) as error:
        raise SettingError(f"Expected a regular expression but got {regex!r}: {error}.") from error
    if empty:
        raise SettingError(
            f"Expected a regex that needs some text but got {regex!r}, which every caption matches."
        )


@cache
def _folding() -> dict[int, str | None]:
    """Characters that folding drops (accents, invisible ones), and those it takes for a hyphen."""
    table: dict[int, str | None] = {}
    for point in (*range(_LAST), *range(0xE0000, 0xE01F0)):
        c = chr(point)
        if unicodedata.combining(c) or _invisible(c):
            table[point] = None
        elif unicodedata.category(c) == "Pd":
            table[point] = "-"
    return table


@cache
def _marks() -> str:
    """Vowel signs and the like, which are parts of words in many scripts, though no letters."""
    points = map(chr, range(_LAST))
    return _ranges(
        [
            c
            for c in points
            if unicodedata.category(c) in ("Mn", "Mc") and not unicodedata.combining(c) and not _invisible(c)
        ]
    )


def _invisible(c: str) -> bool:
    """Formatting characters (soft hyphen, zero-width space) and variation selectors."""
    return unicodedata.category(c) == "Cf" or "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef"


def _ranges(characters: list[str]) -> str:
    """Ascending characters as ranges for a character class."""
    runs = groupby(enumerate(map(ord, characters)), key=lambda pair: pair[1] - pair[0])
    ends = [(run[0][1], run[-1][1]) for run in (list(run) for _, run in runs)]
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ends)
