"""Other ways to name a concept: sentences, misspellings, languages, and names that mean nothing."""

import json
import random
from importlib.resources import files
from typing import Any

_CONSONANTS = "bdfghjkmpqvwxz"


def known_wordings() -> dict[str, Any]:
    """Contents of ``wordings.json``: templates, and names of the miniature world's digits."""
    text = files(__package__).joinpath("wordings.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def misspell(name: str, most: int) -> list[str]:
    """Misspellings of a name, one letter each: left out, doubled, changed places, wrong vowel, split.

    Example:
        >>> misspell("two", 4)
        ['wo', 'ttwo', 'wto', 'to']
        >>> misspell("two", 0)
        []
    """
    found: list[str] = []
    for i, letter in enumerate(name):
        if letter == " ":
            continue
        found += [name[:i] + name[i + 1 :], name[:i] + letter + name[i:]]
        if i + 1 < len(name) and name[i + 1] not in (" ", letter):
            found.append(name[:i] + name[i + 1] + letter + name[i + 2 :])
        if letter in "aeiou":
            found.append(name[:i] + "aeiou"[("aeiou".index(letter) + 1) % 5] + name[i + 1 :])
    found += ["-".join(name), " ".join(name.replace(" ", ""))]
    distinct = [word for word in dict.fromkeys(found) if word.strip() and word != name]
    return distinct[:most]


def meaningless(name: str, count: int) -> list[str]:
    """Distinct names of consonants, as long as a name, always the same.

    Example:
        >>> meaningless("seven", 2)
        ['fhwfx', 'gdxbw']
    """
    rng = random.Random(f"meaningless names for {len(name)} letters")
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(" " if letter == " " else rng.choice(_CONSONANTS) for letter in name)] = None
    return list(found)
