"""A Trainer whose validation loop is the step search, and whose runs have one folder each."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from lightning.pytorch.trainer.states import RunningStage, TrainerFn
from lightning.pytorch.utilities.exceptions import SIGTERMException

from slug_lightning.callbacks import LayerScores, RunFiles
from slug_lightning.data.captions import concept_folder
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.errors import SettingError
from slug_lightning.patch import Patch, WholePatch, applied_together, load_patch
from slug_lightning.preemption import PreemptionSignals
from slug_lightning.search.loop import StepSearchLoop
from slug_lightning.unlearning import SLUG, Gradients, Unlearner

# One epoch over each pair, no repeated evaluation samples, no checkpoint of a model that does not change.
REQUIRED: dict[str, Any] = {
    "max_epochs": 1,
    "num_sanity_val_steps": 0,
    "use_distributed_sampler": False,
    "enable_checkpointing": False,
}


# What Lightning warns of and this method does on purpose.
EXPECTED_WARNINGS = (
    ".*this fit will run with no optimizer.*",  # the weights do not move
    ".*module\\(s\\) in eval mode at the start of training.*",  # gradients of the model as it is used
    ".*does not have many workers.*",  # a setting of ours: data.num_workers
    ".*IterableDataset.*has `__len__` defined.*",  # the length is exact for any number of workers
    ".*isinstance\\(treespec, LeafSpec\\).*",  # Lightning 2.6 on torch 2.9 and newer
    ".*across ranks is zero, but local rank has zero.*",  # fewer batches than processes
    ".*The number of training batches .* is smaller than the logging interval.*",
)


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out the warnings about what is meant to be so, and the advertisement."""
    log = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    with warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        log.addFilter(_no_tips)
        try:
            yield
        finally:
            log.removeFilter(_no_tips)


def _no_tips(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    return not ("Tip:" in text or "reached." in text or "TPU" in text)


# Settings that would leave pairs or images out, or skip the search, without a word in the figures.
WHOLE: dict[str, tuple[Any, ...]] = {
    "limit_train_batches": (None, 1, 1.0),
    "limit_val_batches": (None, 1.0),
    "check_val_every_n_epoch": (None, 1),
    "val_check_interval": (None, 1.0),
    "overfit_batches": (None, 0, 0.0),
    "fast_dev_run": (None, False),
    "max_steps": (None, -1),
    "max_time": (None,),
}
# Weights in half precision have other fingerprints than their base.
PRECISIONS = (None, 32, "32", "32-true", "bf16-mixed", "16-mixed")


class SlugTrainer(pl.Trainer):
    """Lightning's Trainer with the step search as its validation loop.

    Takes every Trainer argument; those that would leave pairs or images out, repeat some, or move the weights
    have the one value that the method allows. Without a logger of yours, a run
    logs to ``<default_root_dir>/runs/<concept>/<YYYYmmdd-HHMMSS>/`` and leaves its files there.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse_other_values(kwargs)
        _refuse_sharding(kwargs.get("strategy"))
        kwargs.update(REQUIRED)
        with quiet():
            super().__init__(*args, **kwargs)
        self._signal_connector: PreemptionSignals = PreemptionSignals(self)
        self.clip_benchmark = False  # whether validate writes the figures in its form
        self._own_logger = kwargs.get("logger") in (None, True)
        self.validate_loop = StepSearchLoop(
            self, TrainerFn.VALIDATING, RunningStage.VALIDATING, verbose=False, inference_mode=False
        )
        self.fit_loop.epoch_loop.val_loop = StepSearchLoop(
            self, TrainerFn.FITTING, RunningStage.VALIDATING, verbose=False, inference_mode=False
        )

    def fit(self, model: Unlearner, datamodule: UnlearningDataModule) -> None:  # type: ignore[override]
        """Gradients, layer scores, step search, patch and report."""
        self._open_run(model, datamodule, separate=True)
        with quiet(), self._requeued():
            super().fit(model, datamodule=datamodule)

    def validate(  # type: ignore[override]
        self,
        model: Unlearner,
        datamodule: UnlearningDataModule,
        patch: Path | list[Path] | None = None,
        gradients: Path | None = None,
        clip_benchmark: bool = False,
    ) -> Any:
        """All metrics of the original model, of a patched one, or a new search from saved gradients.

        Args:
            model: The module.
            datamodule: Its data.
            patch: ``patch.safetensors`` to apply first, or several that were made on the same weights; the
                model, and the host of ``model.host_metric``, are restored afterwards. One of many layers goes
                alone.
            gradients: ``gradients.safetensors`` of an earlier run, to search again without computing them.
            clip_benchmark: Write the figures in CLIP_benchmark's JSON form as well, one file a data set, into
                ``clip_benchmark/`` of the run's folder.
        """
        if clip_benchmark and gradients is not None:
            msg = "Expected --clip_benchmark without --gradients: it gives the figures of one model."
            raise SettingError(msg)
        if patch is not None and gradients is not None:
            msg = "Expected --patch or --gradients, but got both: one measures a patch, the other makes one."
            raise SettingError(msg)
        if gradients is not None:
            if not isinstance(model, SLUG):
                msg = f"Expected --gradients with the module SLUG, but got {type(model).__name__}."
                raise SettingError(msg)
            model.use_gradients(Gradients.load(gradients), datamodule.concept)
        elif isinstance(model, SLUG):
            model.forget_gradients()  # of an earlier fit: this one measures
        files = [] if patch is None else [patch] if isinstance(patch, Path) else patch
        model.patch_name = ", ".join(map(str, files)) or None
        patches = [load_patch(file) for file in files]
        if patches:
            datamodule.look()
            with _applied(patches, model.load().model):
                pass  # one that does not fit leaves no run behind
        self._open_run(model, datamodule, separate=gradients is not None)
        patched = _applied(patches, model.load().model)
        self.clip_benchmark = clip_benchmark
        with patched, model.with_patches(patches), quiet(), self._requeued():
            return super().validate(model, datamodule=datamodule, verbose=False)

    @contextmanager
    def _requeued(self) -> Iterator[None]:
        """When the scheduler ends the run and asked for it, the job goes back into its queue."""
        try:
            yield
        except SIGTERMException:
            self._signal_connector.requeue()
            raise

    def _open_run(self, model: Unlearner, datamodule: UnlearningDataModule, separate: bool) -> None:
        """Refuse what cannot run before anything is written, then choose the folder.

        One rule: your logger's folder if it has one, else ``runs/<concept>/<time>`` with TensorBoard.
        """
        datamodule.look()
        if separate:
            datamodule.separate()
        model.load()
        model.check_settings(datamodule)
        root, name = Path(self.default_root_dir) / "runs", concept_folder(datamodule.concept)
        version = datetime.now().strftime("%Y%m%d-%H%M%S")
        if self.is_global_zero and (self._own_logger or self.logger is None):
            version = claim_version(root / name, version)
        if self._own_logger:
            self.logger = TensorBoardLogger(root, name=name, version=version, default_hp_metric=False)
        folder = self.logger.log_dir if self.logger is not None else None
        self.run_dir = Path(folder) if folder else root / name / version
        if (self.run_dir / "report.json").exists():
            msg = f"{str(self.run_dir)!r} holds a finished run. Give the logger another version."
            raise SettingError(msg)
        given = {type(callback) for callback in self.callbacks}  # type: ignore[attr-defined]
        self.callbacks += [kind() for kind in (LayerScores, RunFiles) if kind not in given]  # type: ignore[attr-defined]


def _applied(
    patches: Sequence[Patch | WholePatch], model: torch.nn.Module
) -> AbstractContextManager[torch.nn.Module]:
    """The model with these patches, of one layer each, or with the only one of many layers."""
    single = [patch for patch in patches if isinstance(patch, Patch)]
    if len(single) == len(patches):
        return applied_together(single, model)
    if len(patches) > 1:
        raise SettingError(
            f"Expected patches of one layer each, or one of many layers alone, but got {len(patches)} with "
            f"{len(patches) - len(single)} of many layers. Measure those one by one."
        )
    (whole,) = (patch for patch in patches if isinstance(patch, WholePatch))
    return whole.applied(model)


def claim_version(folder: Path, stamp: str) -> str:
    """Make a folder named by the time stamp, with a counter behind it if a run of that second exists.

    Returns:
        The name; no other process can have claimed it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    version, count = stamp, 0
    while True:
        try:
            (folder / version).mkdir()
        except FileExistsError:
            count += 1
            version = f"{stamp}-{count}"
        else:
            return version


def _refuse_other_values(kwargs: dict[str, Any]) -> None:
    for name, values in {**WHOLE, "precision": PRECISIONS}.items():
        given = kwargs.get(name)
        if not any(given is v or (type(given) is type(v) and given == v) for v in values):
            allowed = [value for value in values if value is not None] or ["unset"]
            msg = f"Expected trainer.{name} to be one of {allowed}, but got {given!r}. Leave it out."
            raise SettingError(msg)
    for name, value in REQUIRED.items():
        given = kwargs.get(name)
        if given is not None and given != value:
            msg = (
                f"Expected trainer.{name}={value}, the only value SLUG allows, but got {given}. Leave it out."
            )
            raise SettingError(msg)


def _refuse_sharding(strategy: object) -> None:
    """Strategies that shard the weights leave no layer's gradient whole on a process."""
    if isinstance(strategy, str):
        name, allowed = strategy, strategy in ("auto", "single_device") or strategy.startswith("ddp")
    else:
        name = type(strategy).__name__
        allowed = strategy is None or isinstance(strategy, SingleDeviceStrategy | DDPStrategy)
    if not allowed:
        msg = (
            f"Expected trainer.strategy auto or ddp, but got {name!r}: it shards the weights, and a layer's "
            "gradient must be whole on each process. Use ddp: without an optimiser a CLIP fits on one device."
        )
        raise SettingError(msg)
