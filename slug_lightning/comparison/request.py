"""What a comparison consists of: methods, concepts, seeds, and the cells they span."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from slug_lightning import __version__
from slug_lightning.comparison.identity import identity
from slug_lightning.errors import SettingError

VERSION = 3  # raise it when the same request gives other figures
ORIGINAL, GOLD = "Original", "Gold standard"


@dataclass(frozen=True)
class Cell:
    """One method on one concept with one seed."""

    method: str
    concept: str
    seed: int

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.method}, {self.concept}, seed {self.seed}"


@dataclass(frozen=True)
class Request:
    """A comparison.

    Attributes:
        methods: Arguments of the module by method; ``class_path`` among them names the class, where it is not
            the method's own name.
        data: Arguments of the data module without the concept.
        concepts: What is forgotten, one per cell.
        seeds: Each draws the forget and retain pairs anew, and shuffles what is trained on.
        model: The original model, as ``load_clip`` reads it.
        pretrained: Its tag or weights.
        gold: By concept, the model that was trained without it, as ``load_clip`` reads it.
    """

    methods: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, Any]
    concepts: Sequence[str]
    seeds: Sequence[int] = (0,)
    model: str = "miniature"
    pretrained: str | None = None
    gold: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.methods or not self.concepts or not self.seeds:
            raise SettingError(
                "Expected at least one of methods, concepts and seeds each, but got "
                f"{list(self.methods)}, {list(self.concepts)} and {list(self.seeds)}."
            )
        for name, values in (("concepts", self.concepts), ("seeds", self.seeds)):
            if len(set(values)) < len(values):
                raise SettingError(f"Expected each of {name} once, but got {list(values)}.")
        taken = {ORIGINAL, GOLD} & set(self.methods)
        if taken:
            raise SettingError(
                f"Expected methods by other names than {sorted(taken)}: those are the references."
            )
        self._check_files()

    def _check_files(self) -> None:
        files: dict[Path, Cell] = {}
        for cell in self.cells():
            if "" in (cell.method.strip(". "), cell.concept.strip(". ")):
                raise SettingError(f"Expected names for methods and concepts, but got {cell.name!r}.")
            other = files.setdefault(cell_file(Path(), cell), cell)
            if other != cell:
                raise SettingError(
                    f"Expected names that differ in more than spaces and signs, but {other.name!r} and "
                    f"{cell.name!r} would share a file. Rename one."
                )

    def cells(self) -> list[Cell]:
        """All cells, seed by seed, so that a comparison that is stopped early has whole seeds."""
        return [
            Cell(method, concept, seed)
            for seed in self.seeds
            for concept in self.concepts
            for method in (ORIGINAL, *([GOLD] if concept in self.gold else []), *self.methods)
        ]

    def key(self, cell: Cell) -> str:
        """SHA-256 over settings and models: all that a cell's figures depend on but what its data hold."""
        content = {
            "version": VERSION,
            "package": __version__,
            "cell": asdict(cell),
            "settings": self.methods.get(cell.method),
            "data": self.data,
            "model": identity(self.model, self.pretrained),
            "gold": identity(self.gold[cell.concept]) if cell.method == GOLD else None,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def cell_file(folder: Path, cell: Cell) -> Path:
    """Where the figures of a cell are kept."""
    return folder / "cells" / file_name(cell.method) / f"{file_name(cell.concept)}-{cell.seed}.json"


def file_name(name: str) -> str:
    """A method's or concept's name as that of a file or folder.

    Example:
        >>> file_name("SLUG, whole front"), file_name("../a:b")
        ('SLUG,_whole_front', '.._a_b')
    """
    return re.sub(r"[^\w,.()+-]", "_", name)
