"""Run a typed function as a command: its signature gives the options, its docstring the help."""

import json
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from inspect import cleandoc, signature
from typing import get_args, get_origin

from jsonargparse import DefaultHelpFormatter, auto_cli

SWITCH_VALUES = ("true", "false", "yes", "no")


def run_function(
    function: Callable[..., int],
    words: Sequence[str],
    prog: str,
    as_positional: bool = False,
    epilog: str | None = None,
) -> int:
    """Parse a command line and call the function with it.

    Args:
        function: Returns the exit status.
        words: Command line after the command.
        prog: How the help calls the command.
        as_positional: Whether parameters without default are given without their name.
        epilog: What the help ends with.

    Returns:
        Exit status.
    """
    return int(
        auto_cli(
            function,
            args=spelled_out(words, function),
            prog=prog,
            as_positional=as_positional,
            description=cleandoc(function.__doc__ or "").partition("\nArgs:")[0],
            epilog=epilog,
            formatter_class=_Formatter,
        )
    )


def spelled_out(words: Sequence[str], function: Callable[..., int]) -> list[str]:
    """Command line as jsonargparse reads it, from one as people write it.

    Options may have dashes, switches may stand alone, lists may be several words or a JSON list.

    Example:
        >>> def tidy(names: list[str], dry_run: bool = False) -> int: ...
        >>> spelled_out(["--dry-run", "--names", "Ada", "@ada: x"], tidy)
        ['--dry_run=true', '--names=["Ada", "@ada: x"]']
    """
    kinds = {name: parameter.annotation for name, parameter in signature(function).parameters.items()}
    spelled: list[str] = []
    lists: dict[str, list[str]] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        option, equals, value = word.partition("=")
        name = option.removeprefix("--").rstrip("+").replace("-", "_") if option.startswith("--") else ""
        if _is_list(kinds.get(name)):
            following = [value] if equals else _take_values(left)
            if name not in lists:
                spelled.append(name)  # its place; filled in when all of it is known
            lists.setdefault(name, []).extend(item for text in following for item in _items(text))
        elif kinds.get(name) is bool and not equals and (not left or left[0].lower() not in SWITCH_VALUES):
            spelled.append(f"--{name}=true")
        else:
            spelled.append(f"--{name}{equals}{value}" if name else word)
    return [f"--{word}={json.dumps(lists[word])}" if word in lists else word for word in spelled]


def _is_list(kind: object) -> bool:
    return any(get_origin(part) is list for part in (kind, *get_args(kind)))


def _take_values(left: list[str]) -> list[str]:
    values = []
    while left and not left[0].startswith("--"):
        values.append(left.pop(0))
    return values


def _items(text: str) -> list[str]:
    """One value, or several as a JSON or YAML list of plain words."""
    if not (text.startswith("[") and text.endswith("]")):
        return [text]
    try:
        items = json.loads(text)
    except ValueError:
        items = [item.strip().strip("'\"") for item in text[1:-1].split(",") if item.strip()]
    return [str(item) for item in items]


class _Formatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
    """Leaves the lines of description and examples as they are."""
