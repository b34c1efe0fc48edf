"""A finished run, opened for an audit: its patch and the models to compare."""

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from slug_lightning.audit.findings import Version
from slug_lightning.errors import DataNotFoundError, ModelNotFoundError, PatchMismatchError, SettingError
from slug_lightning.models import load_clip
from slug_lightning.models.loading import LOCAL
from slug_lightning.patch import Patch
from slug_lightning.reports.report_file import read_report

WEIGHTS = "open_clip_model.safetensors"


@dataclass(frozen=True)
class OpenedRun:
    """What a run left.

    Attributes:
        folder: Of the run.
        report: Its ``report.json``.
        patch: What it made.
        digest: SHA-256 of the patch file.
    """

    folder: Path
    report: Mapping[str, Any]
    patch: Patch
    digest: str

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "config.yaml"


def open_run(folder: Path) -> OpenedRun:
    """Read report and patch of a finished run.

    Raises:
        DataNotFoundError: If the folder is no finished run.
        SettingError: If the run has no patch.
    """
    report = read_report(folder / "report.json")
    path = folder / "patch.safetensors"
    if not report["feasible"]:
        raise SettingError(
            f"Expected a run with a patch, but {str(folder)!r} found no feasible point and changed nothing. "
            "Search again with other settings (slug fit), then audit that run."
        )
    if not (folder / "config.yaml").is_file():
        raise DataNotFoundError(
            f"No file 'config.yaml' in {str(folder)!r}: slug audit reads from it where the data of the run "
            "are. Expected the folder of a finished run of `slug fit`."
        )
    return OpenedRun(folder, report, Patch.load(path), hashlib.sha256(path.read_bytes()).hexdigest())


def gold_digest(folder: Path | None) -> str | None:
    """SHA-256 of the gold standard's weights file.

    Raises:
        ModelNotFoundError: If it is not there.
    """
    if folder is None:
        return None
    path = folder / WEIGHTS
    if not path.is_file():
        raise ModelNotFoundError(
            f"Expected an open_clip model folder as --gold, but there is no {WEIGHTS} in {str(folder)!r}."
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files in a folder, at any depth.

    Raises:
        ModelNotFoundError: If there are none.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise ModelNotFoundError(
            f"Expected the folder of a host that never saw the concept as --host_gold, but there are no "
            f"files in {str(folder)!r}."
        )
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def models_of(run: OpenedRun, base: nn.Module, gold: Path | None) -> dict[Version, nn.Module]:
    """The models by version: the original, a patched copy, and the gold standard if there is one.

    Args:
        run: The run.
        base: Its original model.
        gold: open_clip folder of a model of the same architecture that never saw the concept.

    Raises:
        PatchMismatchError: If the patch was made on other weights, or the gold standard is of another shape.
    """
    patched = deepcopy(base)
    run.patch.apply_(patched)
    models: dict[Version, nn.Module] = {"before": base, "after": patched}
    if gold is not None:
        other = load_clip(f"{LOCAL}{gold}").model
        _check_shapes(base, other, gold)
        models["gold"] = other
    return models


def _check_shapes(base: nn.Module, other: nn.Module, gold: Path) -> None:
    mine, theirs = (
        {name: tuple(weight.shape) for name, weight in model.named_parameters()} for model in (base, other)
    )
    if mine != theirs:
        name = next(name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name))
        raise PatchMismatchError(
            f"Expected a gold standard of the original's architecture in {str(gold)!r}, but its layer "
            f"{name!r} has shape {theirs.get(name)}, not {mine.get(name)}. Train one of its configuration."
        )
