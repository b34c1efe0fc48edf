"""What the methods share that edit the whole model and need their hyper-parameters searched."""

import math
import time
from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from slug_lightning import __version__
from slug_lightning.errors import NonFiniteError, SettingError
from slug_lightning.models import Clip, candidate_layers
from slug_lightning.patch.whole import WholePatch
from slug_lightning.search import GridSettings, Measured, Pass, Setting, Trial, evaluate_points, grid_plan
from slug_lightning.unlearning.gradients import ROLES, GradientAccumulator, Role
from slug_lightning.unlearning.pair_losses import PairLosses
from slug_lightning.unlearning.remembered import Batch, RememberedPairs

MEMORY_BYTES = 4 * 2**30


class Baseline(PairLosses):
    """A method that SLUG is compared with: same pairs, losses, metrics, rule of choice and report.

    ``fit`` reads the pairs once and keeps them; the validation that follows tries one setting after another,
    each from the original weights.

    Args:
        model: See ``load_clip``.
        pretrained: See ``load_clip``.
        include: Shell patterns of canonical names of the parameters that may change; all by default.
        search: Criterion and target.
        seed: Of the order of batches.
        memory_bytes: Bound on the memory of the pairs' images.
    """

    method: ClassVar[str]

    def __init__(
        self,
        model: str = "miniature",
        pretrained: str | None = None,
        include: Sequence[str] = ("*",),
        search: GridSettings = GridSettings(),
        seed: int = 0,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        super().__init__(model, pretrained)
        self.include, self.search, self.seed = tuple(include), search, seed
        self.pairs = RememberedPairs(memory_bytes)
        self.memory_bytes = memory_bytes
        self.seconds: dict[str, float] = {}
        self.automatic_optimization = False
        self._update: dict[str, Tensor] = {}
        self._started = 0.0
        self._edit_seconds = 0.0  # spent on the trial that is on the model now

    @staticmethod
    def _positive(**values: Sequence[float]) -> None:
        """Refuse hyper-parameters that are no numbers above 0."""
        for name, given in values.items():
            if not all(0 < value < math.inf for value in given):
                raise SettingError(f"Expected numbers above 0 as model.{name}, but got {list(given)}.")

    @abstractmethod
    def trials(self) -> Iterator[Trial]:
        """One setting after another; each is left on the model (``put_on``) while it is measured."""

    @abstractmethod
    def grid(self) -> dict[str, list[float]]:
        """Values that are tried, by hyper-parameter; their product is the number of trials."""

    def configure_optimizers(self) -> None:
        """No optimiser of Lightning's: every trial has its own, in ``trials``."""

    def load(self) -> Clip:
        """Load the model; all parameters that may change take gradients."""
        fresh = self.clip is None
        clip = super().load()
        if fresh:
            names = set(candidate_layers(clip.model, (), self.include))
            for name, weight in clip.model.named_parameters():
                weight.requires_grad_(name in names)
        return clip

    def weights(self) -> dict[str, torch.nn.Parameter]:
        """The parameters that may change, by name."""
        return {n: w for n, w in self.load().model.named_parameters() if w.requires_grad}

    def check_settings(self, data: Any) -> None:
        """Refuse what cannot run before anything is written."""
        super().check_settings(data)
        if self.search.criterion == "top5" and len(data.class_names(data.concept_in)) <= 5:
            raise SettingError("Expected more than 5 names for search.criterion top5.")
        self.check_grid()

    def check_grid(self) -> None:
        """Refuse a grid without points."""
        if not all(self.grid().values()):
            raise SettingError(f"Expected at least one value of each of {list(self.grid())}, but got none.")

    def setup(self, stage: str) -> None:
        """Load the model; start without pairs.

        Raises:
            SettingError: If the run has several processes or a reduced precision.
        """
        super().setup(stage)
        trainer = self.trainer
        if stage == "fit" and (trainer.world_size > 1 or str(trainer.precision) != "32-true"):
            raise SettingError(
                f"Expected one process and precision 32-true for {type(self).__name__}, but got "
                f"{trainer.world_size} and {trainer.precision}. Set --trainer.devices 1 "
                "--trainer.precision 32-true."
            )
        self.pairs, self.seconds, self.outcome = RememberedPairs(self.memory_bytes), {}, None

    def on_train_start(self) -> None:
        """Reading the pairs is part of the cost."""
        self._started = time.perf_counter()

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Keep the batch; nothing is computed yet."""
        self.pairs.add(batch)
        role: Role = batch["role"]
        if batch["last"]:
            self.data.check_skipped(role, self.pairs.skipped[role], self.pairs.pairs(role))
        if self.trainer.is_last_batch:
            self.pairs.check()
            self.seconds["gradient"] = time.perf_counter() - self._started

    def evaluation_plan(self) -> Generator[Pass, list[Measured], None]:
        """With pairs: search, then measure original and winner on the final images."""
        if not self.pairs.batches["forget"]:
            yield from super().evaluation_plan()
            return
        started = time.perf_counter()
        self.evaluator = self.build_evaluator({})
        keep = [dataset for dataset in self.datasets("search") if dataset != "forget"]
        keep.sort(key=lambda dataset: len(self.data.sets["search", dataset]))  # many trials lose on the first
        trace = yield from grid_plan(self._timed_trials(), self.search, keep, self._keep)
        self.seconds["search"] = time.perf_counter() - started
        if trace.best is None:
            raise NonFiniteError(
                f"Every training of {type(self).__name__} diverged before it could be measured. Use smaller "
                "model.learning_rates; no model was changed."
            )
        assert isinstance(trace.best.point, Setting)
        self.evaluator.updates = {trace.best.point: self._update}
        before, after = yield from evaluate_points(
            [None, trace.best.point], self.datasets("final"), "final", 2
        )
        self.outcome = self.final_outcome(before, after, trace)

    def _timed_trials(self) -> Iterator[Trial]:
        """The trials, their pure cost noted, with the update of the current one where it is measured."""
        trials, spent = self.trials(), 0.0
        while True:
            begun = time.perf_counter()
            with torch.enable_grad():
                trial = next(trials, None)
            if trial is None:
                return
            spent += time.perf_counter() - begun
            self._edit_seconds = spent
            yield trial

    def put_on(
        self, setting: Setting, weights: Mapping[str, Tensor], originals: Mapping[str, Tensor]
    ) -> Trial:
        """Hand over edited weights as the trial to be measured.

        Args:
            setting: What led to them.
            weights: Edited weights by name.
            originals: Those of the model.
        """
        with torch.no_grad():
            updates = {n: w.detach() - originals[n] for n, w in weights.items()}
            updates = {n: update for n, update in updates.items() if bool((update != 0).any())}
            size = _norm(updates) / _norm(originals)
        self.evaluator.updates = {setting: updates}
        return Trial(setting, size)

    def _keep(self, setting: Setting) -> None:
        self._update = dict(self.evaluator.updates[setting])
        self.seconds["edit"] = self._edit_seconds

    def batch_gradient(self, role: Role, batch: Batch, name: str) -> dict[str, Tensor]:
        """Mean gradient of one batch's loss by parameter, through the one gradient loop there is.

        Args:
            role: In whose name the sum is kept.
            batch: Its own role decides which loss it is.
            name: What to call it in an error.
        """
        accumulator = GradientAccumulator(self.weights())
        pairs = len(batch["key"])
        accumulator.backward(role, self.loss_sum(batch), pairs, name)
        return {n: total / pairs for n, total in accumulator.sums[role].items()}

    def mean_gradient(self, role: Role) -> dict[str, Tensor]:
        """Mean gradient of a role's own loss over all its pairs."""
        accumulator = GradientAccumulator(self.weights())
        for number, batch in enumerate(self.pairs.batches[role]):
            accumulator.backward(role, self.loss_sum(batch), len(batch["key"]), f"{role} batch {number}")
        return {name: total / self.pairs.pairs(role) for name, total in accumulator.sums[role].items()}

    def patch(self) -> WholePatch:
        """The winner as a patch: one tensor per edited parameter."""
        assert self.outcome is not None
        assert self.outcome.trace is not None
        assert self.outcome.trace.best is not None
        about = {
            "method": self.method,
            "concept": self.data.concept,
            "setting": str(self.outcome.trace.best.point),
            "base_model": self.load().name,
            "data_digest": self.data.digest,
            "seed": str(self.seed),
            "package_version": __version__,
        }
        return WholePatch.create(self.network, self._update, about)

    def provenance(self) -> dict[str, Any]:
        """What each role's pairs were, and how many."""
        about = self.data.provenance(self.pairs.skipped)
        return {role: {"pairs": self.pairs.pairs(role), **about[role]} for role in ROLES}


def _norm(tensors: Mapping[str, Tensor]) -> float:
    squares = [t.double().pow(2).sum().item() for t in tensors.values()]
    return float(sum(squares) ** 0.5)
