"""The files of a run: gradients, trace, patch, evidence, report."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console, RenderableType

from slug_lightning import __version__
from slug_lightning.atomic import atomic_path, link_or_copy, write_text
from slug_lightning.callbacks.account import compose_report, host_labels, search_rows, trial_rows
from slug_lightning.callbacks.clip_benchmark import write_results
from slug_lightning.callbacks.evidence import collect_evidence
from slug_lightning.callbacks.tensorboard import show_pictures, show_result, show_search
from slug_lightning.data.origin import shard_list
from slug_lightning.patch import Patch
from slug_lightning.reports.build import build_report
from slug_lightning.reports.closing import closing_summary, measured_summary
from slug_lightning.reports.evidence import write_evidence
from slug_lightning.reports.report_file import write_report
from slug_lightning.reports.tables import write_search
from slug_lightning.reports.trials import write_trials
from slug_lightning.search import Point
from slug_lightning.unlearning import SLUG, Baseline, Outcome
from slug_lightning.unlearning.finished import GRADIENTS_FILE


class RunFiles(Callback):
    """Writes the run's files on the first process, each whole or not at all, and prints the result.

    Args:
        page: Whether figures, the page and the closing table are made; the other files always are.
    """

    def __init__(self, page: bool = True) -> None:
        self.page = page
        self._closing: RenderableType | None = None

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *args: Any) -> None:
        """Save the gradients as soon as they are complete: a later search can start from them."""
        if not (trainer.is_global_zero and isinstance(pl_module, SLUG)) or pl_module.gradients is None:
            return
        path: Path = trainer.run_dir / GRADIENTS_FILE  # type: ignore[attr-defined]
        if pl_module.gradients_from is None:
            pl_module.gradients.save(path)
        else:
            link_or_copy(pl_module.gradients_from, path)

    def on_evaluation_plan_end(self, trainer: Any, module: Any) -> None:
        """Write everything that follows from the search; called once by the validation loop."""
        outcome: Outcome = module.outcome
        if not trainer.is_global_zero:
            return
        folder: Path = trainer.run_dir
        if outcome.trace is None:
            summary = self._write_metrics(module, outcome, folder)
            self._closing = summary if self.page else None
            if trainer.clip_benchmark:
                write_results(module, outcome.before.metrics, folder)
            return
        if isinstance(module, Baseline):
            write_trials(folder / "search.csv", trial_rows(outcome.trace))
        else:
            write_search(folder / "search.csv", search_rows(outcome.trace))
        patch = self._write_patch(module, outcome, folder)
        report = compose_report(trainer, module, patch)
        self._write_shard_lists(module, report, folder)
        write_report(folder / "report.json", report)
        if not self.page:
            return
        write_evidence(folder / "evidence.json", collect_evidence(module, outcome))
        build_report(folder)
        self._show_in_tensorboard(trainer, module, outcome, report, folder)
        self._closing = closing_summary(report, folder)

    def teardown(self, trainer: pl.Trainer, pl_module: Any, stage: str) -> None:
        """Print the result last, below the progress bars."""
        if self._closing is not None:
            Console().print(self._closing)
            self._closing = None

    def _write_metrics(self, module: Any, outcome: Outcome, folder: Path) -> RenderableType:
        """``metrics.json``: figures of the model as it is, patched or not."""
        entries = {name: a.entry() for name, a in outcome.before.metrics.items() if a.n}
        about = {"concept": module.data.concept, "base_model": module.load().name, "patch": module.patch_name}
        write_text(folder / "metrics.json", json.dumps({**about, "metrics": entries}, indent=2) + "\n")
        model = f"{about['base_model']}, " + (
            f"patched by {module.patch_name}" if module.patch_name else "original"
        )
        return measured_summary(model, entries, {**module.data.labels, **host_labels(module)})

    def _write_shard_lists(self, module: Any, report: dict[str, Any], folder: Path) -> None:
        """``forget.sha256`` and ``retain.sha256``, for ``sha256sum --check`` beside the shards."""
        for role, census in module.data.census.items():
            if report["data"][role]["digest"] == census.digest:  # else the gradients are of other shards
                with atomic_path(folder / f"{role}.sha256") as draft:
                    draft.write_bytes(shard_list(census))

    def _write_patch(self, module: Any, outcome: Outcome, folder: Path) -> Path | None:
        """No file without a feasible point: a patch that does not forget must not be applied by mistake."""
        assert outcome.trace is not None
        best = outcome.trace.best
        if best is None or not best.feasible:
            return None
        path = folder / "patch.safetensors"
        if isinstance(module, Baseline):
            module.patch().save(path)
            return path
        assert isinstance(best.point, Point)
        about = {
            "concept": module.data.concept,
            "base_model": module.load().name,
            "data_digest": module.gradients.header["data_digest"],
            "seed": module.gradients.header["seed"],
            "package_version": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        own = {"loss": "forget_loss", "direction": "direction"}  # gradients of older versions do not say
        about |= {k: module.gradients.header[v] for k, v in own.items() if v in module.gradients.header}
        layer, step = best.point.layer, best.point.step
        Patch.create(module.network, layer, module.direction(layer), step, about).save(path)
        return path

    def _show_in_tensorboard(
        self, trainer: Any, module: Any, outcome: Outcome, report: dict[str, Any], folder: Path
    ) -> None:
        assert outcome.trace is not None
        for logger in trainer.loggers:
            show_search(logger, outcome.trace)
            if isinstance(logger, TensorBoardLogger):
                show_result(logger, trainer, module, report)
                show_pictures(logger, folder)
