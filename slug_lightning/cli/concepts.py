"""``slug fit`` with several concepts: a run for each, then the figures of all patches together."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch.utilities import rank_zero_info
from rich.console import Console

from slug_lightning.atomic import write_text
from slug_lightning.cli import INFEASIBLE
from slug_lightning.data.captions import concept_folder
from slug_lightning.errors import SettingError
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch, apply_to_folder
from slug_lightning.reports.concepts import ConceptRow, concepts_summary, kept_figures, write_concepts
from slug_lightning.reports.report_file import read_report
from slug_lightning.trainer import claim_version

PATCH = "patch.safetensors"
Order = Literal["joint", "sequential"]


@dataclass(frozen=True)
class Request:
    """Several concepts that one model is to forget.

    Attributes:
        words: Command line behind ``fit``.
        concepts: Their names, in order.
        order: ``joint`` or ``sequential``; see the data module.
        root: Folder that holds ``runs``.
    """

    words: tuple[str, ...]
    concepts: tuple[str, ...]
    order: Order
    root: Path

    def options(self, concept: str) -> list[str]:
        """The command line of one concept's run."""
        others = [name for name in self.concepts if name != concept]
        own = ["--data.concept", concept, "--data.others", json.dumps(others), "--data.concepts", "null"]
        return [*self.words, *own]

    @property
    def launch(self) -> list[str]:
        """What DDP's other processes are started with: they make the same runs."""
        return ["fit", *self.words]

    @property
    def name(self) -> str:
        """Folder name of the request."""
        first, *rest = map(concept_folder, self.concepts)
        return "+".join([first, *rest]) if len(rest) < 3 else f"{first}+{len(rest)}-others"


def check_request(concepts: Sequence[str], forget_shards: str | Sequence[str]) -> None:
    """Refuse a request that cannot be told apart into concepts.

    Raises:
        SettingError: If a concept comes twice, or all would have the same forget pairs.
    """
    if len({concept_folder(name).casefold() for name in concepts}) < len(concepts):
        raise SettingError(f"Expected data.concepts to name each concept once, but got {list(concepts)}.")
    patterns = [forget_shards] if isinstance(forget_shards, str) else forget_shards
    if any("{concept}" not in pattern for pattern in patterns):
        msg = (
            "Expected data.forget_shards to hold {concept}, so that each of data.concepts has pairs of its "
            f"own, but got {list(patterns)}."
        )
        raise SettingError(msg)


def run_request(request: Request) -> int:
    """Make the runs, measure all patches together, write ``concepts.json`` and print the table.

    Returns:
        3 if some concept had no feasible point, else 0.
    """
    from slug_lightning.cli.lightning import build

    stages: list[tuple[str, Path, bool]] = []
    with _models(request) as models:
        for number, concept in enumerate(request.concepts):
            rank_zero_info(f"Concept {number + 1} of {len(request.concepts)}: {concept}")
            cli: Any = build(["fit", *request.options(concept), *models.words], launch=request.launch)
            run: Path = cli.trainer.strategy.broadcast(cli.trainer.run_dir)
            feasible = cli.model.outcome.trace.feasible
            stages.append((concept, run, feasible))
            if feasible and request.order == "sequential":
                models.add(run / PATCH, cli)
        patches = [run / PATCH for _, run, feasible in stages if feasible]
        folder = models.folder.parent
        where = [*models.words, "--trainer.default_root_dir", str(folder)]
        together = _measure(request, where, patches if request.order == "joint" else [])
    if cli.trainer.is_global_zero:
        _write(request, stages, together, folder)
    done = all(feasible for _, _, feasible in stages)
    return 0 if done or not cli.trainer.is_global_zero else INFEASIBLE


class _Models:
    """The model that the next concept starts from, where concepts follow each other.

    Args:
        folder: Where models are kept for as long as they are needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._count = folder, 0
        self.words: list[str] = []

    def add(self, patch: Path, cli: Any) -> None:
        """Go on from the model without the concept that was just removed."""
        target: Path = cli.trainer.strategy.broadcast(self.folder / f"{self._count}")
        if cli.trainer.is_global_zero:
            self.folder.mkdir(exist_ok=True)
            apply_to_folder(Patch.load(patch), load_clip(cli.model.model_name, cli.model.pretrained), target)
        cli.trainer.strategy.barrier("model without the concept")
        self._count += 1
        self.words = ["--model.model", f"local-dir:{target}", "--model.pretrained", "null"]


@contextmanager
def _models(request: Request) -> Iterator[_Models]:
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    parent = request.root / "runs" / request.name
    models = _Models(parent / claim_version(parent, stamp) / "models")
    try:
        yield models
    finally:
        shutil.rmtree(models.folder, ignore_errors=True)


def _measure(request: Request, more: Sequence[str], patches: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Metrics by concept, of the model without all of them; what must stay is measured once."""
    from slug_lightning.cli.lightning import build

    found: dict[str, dict[str, Any]] = {}
    for concept in request.concepts:
        cli: Any = build([*request.options(concept), *more], run=False, launch=request.launch)
        cli.model.only = ("forget",) if found else ()
        cli.trainer.validate(cli.model, cli.datamodule, patch=list(patches))
        found[concept] = {n: a.entry() for n, a in cli.model.outcome.before.metrics.items() if a.n}
    return found


def _write(
    request: Request,
    stages: Sequence[tuple[str, Path, bool]],
    together: dict[str, dict[str, Any]],
    folder: Path,
) -> None:
    reports = [read_report(run / "report.json") for _, run, _ in stages]
    rows = [
        ConceptRow.of(concept, run, report, together[concept])
        for (concept, run, _), report in zip(stages, reports, strict=True)
    ]
    document = {
        "format_version": 1,
        "order": request.order,
        "concepts": [row.entry() for row in rows],
        "retained": kept_figures(reports, together[request.concepts[0]]),
    }
    write_concepts(folder / "concepts.json", document)
    write_text(folder / "command.txt", " ".join(sys.argv) + "\n")
    Console().print(concepts_summary(document, folder))
