"""One sentence about a ``--model`` or ``--data`` that is no class, in place of the parser's page."""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from slug_lightning.errors import SettingError, closest

# jsonargparse's own words, by what was wrong with the name
_NO_PATH = re.compile(r"Expected a dot import path string: (?P<name>.+)")
_NOT_THERE = re.compile(
    r"Problem with given class_path '(?P<name>.+)':\s+"
    r"(?P<reason>No module named .+|module .+ has no attribute .+)"
)
_NO_SUBCLASS = re.compile(r"(?P<reason>Import path does not correspond to a subclass of \w+)")
_KEY = re.compile(r'Parser key "(model|data)(?:\.class_path)?"')
_GIVEN = re.compile(r"Given value: (?:.*?class_path'?[:,=] ?(?:val=)?)?'?([\w.]+)")


def subclass_names(base: type) -> list[str]:
    """Names of the base and of this package's methods that derive from it.

    Args:
        base: Type of ``--model`` or ``--data``.
    """
    own = (kind for kind in _below(base) if kind.__module__.startswith("slug_lightning."))
    return sorted({base.__name__, *(kind.__name__ for kind in own if "method" in vars(kind))})


def _below(base: type) -> Iterator[type]:
    kind: type
    for kind in base.__subclasses__():
        yield kind
        yield from _below(kind)


def wrong_class(message: str, names: dict[str, list[str]]) -> str | None:
    """The sentence, if this is what the parser complains of.

    Args:
        message: Of the parser.
        names: Classes that there are, by key.
    """
    key = _KEY.search(message)
    found = next((m for p in (_NO_PATH, _NOT_THERE, _NO_SUBCLASS) if (m := p.search(message))), None)
    if key is None or found is None:
        return None
    parts, known = found.groupdict(), names[key[1]]
    given = _GIVEN.search(message)
    name = parts.get("name") or (given[1] if given else "another")
    reason = f" ({parts['reason']})" if "reason" in parts else ""
    folded = {one.casefold(): one for one in known}
    near = [folded[one] for one in closest(name.split(".")[-1].casefold(), folded)]
    return (
        f"Expected {key[1]} to be one of {known} or the import path of such a class of yours, but got "
        f"{name!r}{reason}." + (f" Closest: {near}." if near else "")
    )


class OneSentenceParser(LightningArgumentParser):
    """Says in one sentence that ``--model`` or ``--data`` is no class; all else as ever."""

    names: dict[str, list[str]]

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """See jsonargparse.

        Raises:
            SettingError: If the class is not there.
        """
        sentence = wrong_class(message, self.names)
        if sentence is not None:
            raise SettingError(sentence) from None
        super().error(message, ex)


def parser_for(**bases: type) -> Any:
    """The parser for these classes, by key."""
    names = {key: subclass_names(base) for key, base in bases.items()}
    return type("OneSentenceParser", (OneSentenceParser,), {"names": names})
