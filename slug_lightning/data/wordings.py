"""Other ways to name a concept: sentences, misspellings, languages, and names that mean nothing."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

CONTROL = "control"
_CONSONANTS = "bdfghjkmpqvwxz"
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class OtherName:
    """What a concept is called instead.

    Attributes:
        kind: ``paraphrase``, ``misspelling``, ``language``, or ``control``: a name that means nothing.
        label: What reports call it.
        name: The name.
    """

    kind: str
    label: str
    name: str


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


def sentences(concept: str) -> list[str]:
    """Templates with ``{}``; for the miniature world's digits also those that speak of numbers."""
    known = known_wordings()
    numbers: list[str] = known["number_templates"] if concept in known["concepts"] else []
    return [*known["templates"], *numbers]


def other_names(
    concept: str, misspellings: int, controls: int, further: Mapping[str, str] = _NONE
) -> list[OtherName]:
    """Every other name of a concept, in the order of reports.

    Args:
        concept: Its usual name.
        misspellings: Most misspellings of it.
        controls: How many names that mean nothing.
        further: More names by what they are called, e.g. the language.
    """
    own = known_wordings()["concepts"].get(concept, {})
    found = [OtherName("paraphrase", name, name) for name in own.get("paraphrases", [])]
    found += [OtherName("misspelling", name, name) for name in misspell(concept, misspellings)]
    languages = {**own.get("languages", {}), **further}
    found += [OtherName("language", f"{name} ({label})", name) for label, name in languages.items()]
    return found + [OtherName(CONTROL, name, name) for name in meaningless(concept, controls)]
