"""Whether a caption names a concept."""

import re
import unicodedata
from collections.abc import Sequence

from slug_lightning.errors import SettingError


def fold(text: str) -> str:
    """Text without case, accents and runs of white space, for comparing.

    Example:
        >>> fold("  Beyoncé   KNOWLES ")
        'beyonce knowles'
    """
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(bare.casefold().split())


def concept_folder(concept: str) -> str:
    """A concept as a folder name: letters, digits, ``_`` and ``-`` alone.

    Example:
        >>> concept_folder("Elon Musk"), concept_folder("../x")
        ('Elon_Musk', 'x')
    """
    return re.sub(r"[^\w-]+", "_", concept).strip("_") or "concept"


def concept_pattern(names: str | Sequence[str]) -> re.Pattern[str]:
    """Pattern that finds any of the names in a *folded* caption, as whole words.

    Words of a name may be joined by spaces, hyphens or underscores. In scripts that put no spaces
    between words a name is found only where punctuation sets it off.

    Args:
        names: The concept's name, or its name and other spellings.

    Returns:
        The pattern; use it on ``fold(caption)``.

    Raises:
        SettingError: If a name is empty.

    Example:
        >>> pattern = concept_pattern("Elon Musk")
        >>> bool(pattern.search(fold("ELON-MUSK's rocket"))), bool(pattern.search(fold("Elon Muskrat")))
        (True, False)
    """
    folded = [fold(name) for name in ([names] if isinstance(names, str) else names)]
    if not folded or not all(folded):
        raise SettingError(f"Expected names of the concept but got {names!r}.")
    phrases = ["[ _-]+".join(re.escape(word) for word in re.split(r"[ _-]+", n)) for n in folded]
    letter = r"[^\W_]"
    return re.compile(rf"(?<!{letter})(?:{'|'.join(phrases)})(?!{letter})")


def names_concept(caption: str, names: str | Sequence[str]) -> bool:
    """Whether a caption names the concept: whole words, case and accents ignored.

    Args:
        caption: Any text.
        names: The concept's name, or its name and other spellings.

    Example:
        >>> names_concept("Pop ART poster", "art"), names_concept("Bart Simpson", "art")
        (True, False)
    """
    return concept_pattern(names).search(fold(caption)) is not None
