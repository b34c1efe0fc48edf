"""Modules and data of a cell, from plain settings, read and checked as the command line reads them."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from slug_lightning.comparison.request import GOLD, ORIGINAL, Cell, Request
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.errors import SettingError
from slug_lightning.unlearning import SLUG, Baseline, Unlearner


@cache
def _parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Unlearner, "model")
    parser.add_class_arguments(UnlearningDataModule, "data")
    return parser


def build_cell(request: Request, cell: Cell) -> tuple[Unlearner, UnlearningDataModule]:
    """Module and data of a cell.

    Raises:
        SettingError: If a setting is unknown, of another type or out of range.
    """
    parsed = _parse(request, cell)
    try:
        made = _parser().instantiate_classes(parsed)
    except (ArgumentError, TypeError, ValueError) as error:
        raise _unreadable(cell, error) from error
    module: Unlearner = made.model
    if isinstance(module, Baseline):
        module.seed = cell.seed
    if isinstance(module, SLUG):
        module.reuse_gradients = False  # each cell pays for its own, whatever cell was run before it
    return module, made.data


def check_request(request: Request) -> None:
    """Build the module of every method once, without its model, before any cell is run.

    Raises:
        SettingError: Naming the method.
    """
    for method in request.methods:
        module, _ = build_cell(request, Cell(method, request.concepts[0], request.seeds[0]))
        if isinstance(module, Baseline):
            module.check_grid()


def _parse(request: Request, cell: Cell) -> Namespace:
    data: dict[str, Any] = {**request.data, "concept": cell.concept, "sample_seed": cell.seed}
    settings = deepcopy(
        {"model": _model(request, cell), "data": data}
    )  # parsing makes floats of whole numbers
    try:
        parsed: Namespace = _parser().parse_object(settings)
    except (ArgumentError, TypeError, ValueError) as error:
        raise _unreadable(cell, error) from error
    return parsed


def _unreadable(cell: Cell, error: Exception) -> SettingError:
    reason = " ".join(str(error).split())[:400]
    return SettingError(f"Settings of {cell.method!r} cannot be read: {reason}")


def _model(request: Request, cell: Cell) -> dict[str, Any]:
    source: Mapping[str, Any] = {"model": request.model, "pretrained": request.pretrained}
    if cell.method == ORIGINAL:
        return {"class_path": "slug_lightning.unlearning.Unlearner", "init_args": dict(source)}
    if cell.method == GOLD:
        gold = {"model": request.gold[cell.concept]}
        return {"class_path": "slug_lightning.unlearning.Unlearner", "init_args": gold}
    settings = dict(request.methods[cell.method] or {})
    class_path = settings.pop("class_path", cell.method)
    return {"class_path": class_path, "init_args": {**source, **settings}}
