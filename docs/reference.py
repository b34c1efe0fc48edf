"""The reference pages that are made from the command line itself, so that they cannot drift from it."""

import argparse
import dataclasses
import inspect
import pkgutil
import re
from argparse import SUPPRESS, Action
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin
from unittest import mock

import lightning.pytorch as pl
from jsonargparse import ArgumentParser, Namespace, capture_parser

import slug_lightning.unlearning
from slug_lightning.atomic import write_text
from slug_lightning.cli import COMMANDS
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.trainer import PRECISIONS, REQUIRED, WHOLE
from slug_lightning.unlearning import Unlearner

RULED = {*REQUIRED, *WHOLE}  # options of the Trainer that have one value here
CONFIGURED = ("model", "data", "trainer")  # groups of options with a page of their own


def write_reference(folder: Path) -> None:
    """Write ``commands.md`` and ``config.md``; a file that is right is left alone, for Sphinx's sake."""
    for name, text in (("commands.md", commands_page()), ("config.md", config_page())):
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)


def commands_page() -> str:
    """Every command of the dispatcher with its options."""
    parts = [
        "# Commands",
        "`slug COMMAND --help` prints the same. Exit status: 0 done, 2 wrong input (one sentence says what), "
        "3 no feasible point, 130 interrupted, 143 ended by SIGTERM.",
    ]
    for name, (_, line) in COMMANDS.items():
        parts += [f"## slug {name}", f"{line[:1].upper()}{line[1:]}.", *_command(name)]
    return "\n\n".join(parts) + "\n"


def config_page() -> str:
    """Every key of a YAML for ``slug fit`` and ``slug validate``, and what it is by default."""
    parts = [
        "# Config keys",
        "A YAML file has the keys below; on the command line `--model.KEY` and `--data.KEY` set those of "
        "`init_args`, `--trainer.KEY` those of the trainer, and later ones win. "
        "`slug fit --config FILE --print_config` shows the result. "
        "A run keeps its own in `config.yaml`.",
    ]
    shown: set[type] = set()
    for kind in _unlearners():
        parts += [f"## model: {kind.__name__}", *_class(kind, shown)]
    parts += ["## data: UnlearningDataModule", *_class(UnlearningDataModule, shown)]
    parts += ["## trainer", _trainer_rules(), *_class(pl.Trainer, shown)]
    return "\n\n".join(parts) + "\n"


def _command(name: str) -> list[str]:
    parser = _parser(name)
    subcommands = getattr(parser, "_subcommands_action", None)
    if subcommands is not None:
        parser = subcommands.choices[name]
        pages = "`--model`, `--data` and `--trainer` take the [config keys](config.md)."
        own = [option for option in _options(parser) if option.dest.split(".")[0] not in CONFIGURED]
        return [pages, _table(own, "Option")]
    about = [_prose(parser.description)] if parser.description else []
    return [*about, _table(list(_options(parser)), "Option")]


class _Seen(Exception):  # noqa: N818  what a parser is carried out with
    pass


def _parser(name: str) -> Any:
    """The parser that a command makes, of jsonargparse or of argparse, when it begins to parse."""
    module = import_module(f"slug_lightning.cli.{COMMANDS[name][0]}")

    def carry_out(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> Any:
        raise _Seen(parser)

    with mock.patch.object(argparse.ArgumentParser, "parse_known_args", carry_out):
        try:
            return capture_parser(lambda: module.run([name]))
        except _Seen as seen:
            return seen.args[0]


def _class(kind: type, shown: set[type]) -> list[str]:
    """What a class is, its keys, and then those of the settings that it takes."""
    if kind in shown:
        return []
    shown.add(kind)
    parser = ArgumentParser()
    parser.add_class_arguments(kind, None)
    about = [_prose(_about(kind))] if kind is not pl.Trainer else []
    options = [option for option in _options(parser) if kind is not pl.Trainer or option.dest not in RULED]
    parts = [*about, _table(options, "Key")]
    for inner in dict.fromkeys(found for action in options for found in _settings(action)):
        if inner not in shown:
            parts += [f"### {inner.__name__}", *_class(inner, shown)]
    return parts


def _unlearners() -> list[type]:
    """All modules that ``model.class_path`` can name."""
    for module in pkgutil.iter_modules(slug_lightning.unlearning.__path__):
        import_module(f"{slug_lightning.unlearning.__name__}.{module.name}")
    found, waiting = [], [Unlearner]
    while waiting:
        kind = waiting.pop(0)
        waiting += sorted(kind.__subclasses__(), key=lambda k: k.__name__)
        if kind.__module__.startswith("slug_lightning.") and not inspect.isabstract(kind):
            found.append(kind)
    return sorted(found, key=lambda kind: (kind.__name__ != "SLUG", kind.__name__))


def _trainer_rules() -> str:
    fixed = ", ".join(f"`{name}: {value}`" for name, value in {**REQUIRED}.items())
    whole = ", ".join(f"`{name}`" for name in WHOLE)
    kinds = ", ".join(f"`{value}`" for value in PRECISIONS if value is not None)
    return (
        "[Lightning's Trainer](https://lightning.ai/docs/pytorch/stable/common/trainer.html), with its "
        f"defaults but for {fixed}, the only values that the method allows. These would leave pairs or "
        f"images out and are refused: {whole}. `precision` is one of {kinds}."
    )


def _options(parser: Any) -> Iterator[Action]:
    for action in parser._actions:
        made_by_jsonargparse = re.search(r"(^|\.)help$|^print_", action.dest) or action.default == SUPPRESS
        if action.help != SUPPRESS and not made_by_jsonargparse:
            yield action


def _table(actions: list[Action], title: str) -> str:
    rows = [f"| {title} | Type | Default | What it does |", "|---|---|---|---|"]
    for action in actions:
        name = action.option_strings[-1].rstrip("+") if action.option_strings else action.dest.upper()
        name = name.removeprefix("--") if title == "Key" else name
        default = "required" if _required(action) else _code(_value(action.default))
        rows.append(f"| {_code(name)} | {_code(_type(action))} | {default} | {_cell(action.help)} |")
    return "\n".join(rows) if len(rows) > 2 else "No options."


def _required(action: Action) -> bool:
    return bool(getattr(action, "required", False)) or not action.option_strings


def _type(action: Action) -> str:
    return _spelled(getattr(action, "_typehint", None) or action.type)


def _spelled(hint: Any) -> str:
    """A type as one writes it in YAML's terms: choices as they are, the others by their short names."""
    if hint is None or hint is type(None):
        return "null" if hint else ""
    inner = [_spelled(part) for part in get_args(hint)]
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return " | ".join(inner)
    if get_origin(hint) is Literal:
        return " | ".join(map(str, get_args(hint)))
    name = getattr(get_origin(hint) or hint, "__name__", str(hint))
    return f"{name}[{', '.join(inner)}]" if inner else name


def _value(value: Any) -> str:
    if isinstance(value, Namespace | dict):
        return "as below"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _settings(action: Action) -> Iterator[type]:
    """Dataclasses that an option's type has in it."""
    waiting = [getattr(action, "_typehint", None) or action.type]
    while waiting:
        hint = waiting.pop(0)
        waiting += get_args(hint)
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            yield hint


def _about(kind: type) -> str:
    """The docstring before its sections."""
    return re.split(r"\n(?:Args|Attributes|Example|Raises|Returns):", inspect.cleandoc(kind.__doc__ or ""))[0]


def _prose(text: str) -> str:
    """A docstring's reStructuredText as Markdown, as far as these docstrings use it."""
    return re.sub(r"(?<!`)``(.+?)``(?!`)", r"`\1`", text.strip())


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def _cell(text: str | None) -> str:
    """One line; what jsonargparse adds about type and default has columns of its own."""
    one = " ".join(_prose(text or "").split())
    one = re.sub(r":\w+:`~?(?:[\w.]*\.)?([^`]+)`", r"`\1`", one)  # Lightning's references
    one = re.sub(r"\s*Default: `*[^`]*`*\.$", "", one)
    one = re.sub(r"\s*\((?:required, )?(?:required|type:|default:)[^()]*(?:\([^()]*\)[^()]*)*\)\s*$", "", one)
    return one.replace("|", "\\|").replace("<", "&lt;").replace("%%", "%")
