"""Two classifiers look at all images of a model; counts and FID of one target."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor
from torchmetrics.image.fid import FrechetInceptionDistance

from slug_lightning.atomic import write_text
from slug_lightning.canvas.data import ANSWERS
from slug_lightning.canvas.judges import Judge
from slug_lightning.canvas.protocol import Protocol
from slug_lightning.metrics.canvas_accuracy import CanvasAccuracy

TABLES = ("style_hits", "object_hits", "total", "styles_taken", "objects_taken")


@dataclass(frozen=True)
class Judged:
    """What was counted on all processes.

    Attributes:
        style_hits: Images whose style was recognised, ``(themes, objects)``.
        object_hits: Images whose object was recognised.
        total: Images.
        styles_taken: ``[asked, seen]``.
        objects_taken: ``[asked, seen]``.
        fid: Distance to the references, without the target; ``None`` if it was not asked for.
    """

    style_hits: Tensor
    object_hits: Tensor
    total: Tensor
    styles_taken: Tensor
    objects_taken: Tensor
    fid: float | None

    def save(self, path: Path, key: str) -> None:
        """Write the counts as JSON, whole or not at all.

        Args:
            path: The file.
            key: Of what was looked at.
        """
        tables = {name: getattr(self, name).tolist() for name in TABLES}
        write_text(path, json.dumps({"format_version": 1, "key": key, "fid": self.fid, **tables}) + "\n")

    @classmethod
    def load(cls, path: Path, key: str) -> "Judged | None":
        """Read what ``save`` wrote; ``None`` if it is not there, damaged, or has another key."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["key"] != key:
                return None
            tables: dict[str, Any] = {name: torch.tensor(content[name]) for name in TABLES}
            return cls(**tables, fid=content["fid"])
        except (OSError, ValueError, TypeError, KeyError):
            return None


class CanvasJudge(pl.LightningModule):
    """Counts what two classifiers recognise; ``trainer.test`` leaves the outcome in ``judged``.

    Args:
        protocol: The benchmark.
        styles: The style classifier.
        objects: The object classifier.
        target: What was unlearned, or ``None``: then FID is over all images.
        fid: The metric, if FID is wanted.
    """

    def __init__(
        self,
        protocol: Protocol,
        styles: Judge,
        objects: Judge,
        target: str | None,
        fid: FrechetInceptionDistance | None = None,
    ) -> None:
        super().__init__()
        self.styles, self.objects = styles.model, objects.model
        kind = "style" if target is None else protocol.kind(target)
        number = 0 if target is None else protocol.names(kind).index(target)
        self.accuracy = CanvasAccuracy(len(protocol.themes), len(protocol.objects), kind, number)
        self.of_target = None if target is None else (kind, number)
        self.fid: FrechetInceptionDistance | None = fid
        self.judged: Judged | None = None

    def test_step(self, batch: dict[str, Any], batch_idx: int, dataloader_idx: int = 0) -> None:
        """Count one batch of answers, or take the features of one of references."""
        if dataloader_idx == ANSWERS:
            view = batch["view"]
            self.accuracy.update(self.styles(view), self.objects(view), batch["style"], batch["object"])
        if self.fid is not None:
            pixels = batch["pixels"][self._shows_no_target(batch)]
            if len(pixels):
                self.fid.update(pixels, real=dataloader_idx != ANSWERS)

    def _shows_no_target(self, batch: dict[str, Any]) -> Tensor:
        if self.of_target is None:
            return torch.ones_like(batch["style"], dtype=torch.bool)
        kind, number = self.of_target
        labels: Tensor = batch[kind]
        return labels != number

    def on_test_epoch_end(self) -> None:
        """Sum over processes; log UA, IRA and CRA."""
        fid = None if self.fid is None else float(self.fid.compute())
        self.log_dict(dict(self.accuracy.compute()))
        with self.accuracy.sync_context():
            tables: dict[str, Any] = {name: getattr(self.accuracy, name).cpu().clone() for name in TABLES}
            self.judged = Judged(**tables, fid=fid)
