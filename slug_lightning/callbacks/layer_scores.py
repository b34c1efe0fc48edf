"""Importance and gradient alignment of every candidate layer, as soon as the gradients are there."""

from dataclasses import asdict
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback

from slug_lightning.reports.tables import LayerRow, write_layers
from slug_lightning.unlearning import SLUG


class LayerScores(Callback):
    """Scores the layers after the last gradient batch, writes ``layers.csv`` and logs the front.

    In ``validate`` with saved gradients it does so before the first pass of the search.
    """

    def __init__(self) -> None:
        self._written = False

    def setup(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        """Each run of a trainer has scores of its own."""
        self._written = False

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *args: Any) -> None:
        """Gradients are complete with the last batch; validation follows at once."""
        self._publish(trainer, pl_module)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Saved gradients were complete from the start."""
        self._publish(trainer, pl_module)

    def _publish(self, trainer: Any, module: Any) -> None:
        if self._written or not isinstance(module, SLUG) or module.gradients is None:
            return
        self._written = True
        if not trainer.is_global_zero:
            return
        scores = module.layer_scores()
        write_layers(trainer.run_dir / "layers.csv", [LayerRow(**asdict(score)) for score in scores])
        front = [score for score in scores if score.front]
        figures: dict[str, float] = {"layers/candidates": len(scores), "layers/front": len(front)}
        for score in front:
            figures[f"layers/importance/{score.layer}"] = score.importance
            figures[f"layers/alignment/{score.layer}"] = score.alignment
        for logger in trainer.loggers:
            logger.log_metrics(figures, step=0)
