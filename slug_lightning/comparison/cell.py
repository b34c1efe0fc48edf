"""One cell: fit a method on a concept, measure what is left, write one file."""

import json
import logging
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from slug_lightning.atomic import atomic_path, write_text
from slug_lightning.comparison.memory import peak_memory
from slug_lightning.comparison.request import GOLD, ORIGINAL, Cell, Request, cell_file, file_name
from slug_lightning.errors import BadDataError, DataNotFoundError, SlugError

Status = Literal["kept", "done", "failed"]


@dataclass(frozen=True)
class Task:
    """A cell of a request and the folder of the comparison; can be sent to another process."""

    request: Request
    cell: Cell
    folder: Path


def run_cell(task: Task) -> Status:
    """Make a cell's file, unless it is there already; an error is written down and goes no further.

    Returns:
        ``kept`` if the file was there, of the same request; ``done``; or ``failed``.
    """
    if is_done(task):
        return "kept"
    try:
        found = _measure(task)
    except Exception as error:  # whatever it is, the other cells go on
        text = str(error) if isinstance(error, SlugError) else traceback.format_exc(limit=-3)
        write_failure(task, f"{type(error).__name__}: {error}", text)
        return "failed"
    path = cell_file(task.folder, task.cell)
    _write_classes(task, found.pop("classes"))
    write_text(path, _json({**_about(task), **found}))
    path.with_suffix(".error.json").unlink(missing_ok=True)
    return "done"


def is_done(task: Task) -> bool:
    """Whether the cell's file is there, of the same request."""
    return read_cell(cell_file(task.folder, task.cell), task.request.key(task.cell)) is not None


def write_failure(task: Task, error: str, details: str) -> None:
    """Write down why a cell has no figures, beside where they would be."""
    path = cell_file(task.folder, task.cell).with_suffix(".error.json")
    write_text(path, _json({**_about(task), "error": error, "details": details}))


def read_cell(path: Path, key: str) -> dict[str, Any] | None:
    """The content of a cell's file; ``None`` if there is none, or one of another request."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if content.get("key") == key else None


def _write_classes(task: Task, classes: Mapping[str, Any]) -> None:
    import torch
    from safetensors.torch import save_file

    with atomic_path(_classes_file(task.folder, task.cell)) as draft:
        save_file({name: torch.as_tensor(p).float().contiguous() for name, p in classes.items()}, draft)


def read_classes(folder: Path, cell: Cell) -> dict[str, Any] | None:
    """Class probabilities ``(N, C)`` that a cell's model gave the final images, by data set; if there.

    Args:
        folder: Of the comparison.
        cell: A finished cell.
    """
    from slug_lightning.tensor_file import read_tensor_file

    try:
        return read_tensor_file(_classes_file(folder, cell), "class probabilities")[0]
    except (BadDataError, DataNotFoundError):
        return None


def _classes_file(folder: Path, cell: Cell) -> Path:
    return cell_file(folder, cell).with_suffix(".classes.safetensors")


def _about(task: Task) -> dict[str, Any]:
    return {"key": task.request.key(task.cell), "cell": asdict(task.cell)}


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _measure(task: Task) -> dict[str, Any]:
    import lightning.pytorch as pl

    with _quiet():
        pl.seed_everything(task.cell.seed, verbose=False)
        if task.cell.method in (ORIGINAL, GOLD):
            return _reference(task)
        return _method(task)


def _reference(task: Task) -> dict[str, Any]:
    """Figures of a model as it is."""
    from slug_lightning.comparison.building import build_cell

    module, data = build_cell(task.request, task.cell)
    data.look()
    data.separate()  # the same images as the methods see
    _trainer(task).validate(module, data)
    assert module.outcome is not None
    return {
        "feasible": None,
        "edit": None,
        "trials": 0,
        "metrics": {name: a.entry() for name, a in module.outcome.before.metrics.items() if a.n},
        "cost": {},
        **_looked_at(module, data),
    }


def _method(task: Task) -> dict[str, Any]:
    from slug_lightning.comparison.building import build_cell

    module, data = build_cell(task.request, task.cell)
    trainer = _trainer(task)
    started = time.perf_counter(), time.process_time()
    with peak_memory() as peak:
        trainer.fit(module, data)
    wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
    report = json.loads((trainer.run_dir / "report.json").read_text(encoding="utf-8"))
    assert module.outcome is not None
    assert module.outcome.trace is not None
    assert module.outcome.trace.best is not None
    with module.evaluator.at(module.outcome.trace.best.point):
        seen = _looked_at(module, data)
    return {
        "feasible": report["feasible"],
        "edit": {name: report.get(name) for name in ("layer", "step", "settings")},
        "grid": report.get("grid"),
        "trials": len(report["search"]),
        "metrics": {name: entry["after"] for name, entry in report["metrics"].items()},
        "cost": {
            "seconds": wall,
            "processor_seconds": processor,
            "edit_seconds": report["efficiency"]["edit_seconds"],
            "memory_bytes": peak.bytes,
            "patch_bytes": report["efficiency"]["patch_bytes"],
        },
        "pairs": {role: entry["pairs"] for role, entry in report["data"].items()},
        **seen,
    }


def _looked_at(module: Any, data: Any) -> dict[str, Any]:
    """Membership inference, and what the model says of the final images, for distances between cells."""
    from slug_lightning.comparison.views import take_images, take_view

    clip = module.load()
    view = take_view(clip.model, take_images(data, clip.tokenize))
    membership = None if view.membership is None else view.membership.entry()
    return {"membership": membership, "classes": view.classes}


def _trainer(task: Task) -> Any:
    from slug_lightning.callbacks import RunFiles
    from slug_lightning.trainer import SlugTrainer

    return SlugTrainer(
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=str(task.folder / "fits" / file_name(task.cell.method)),
        callbacks=[RunFiles(page=False)],
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's news of each of many runs would hide those of the comparison."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
