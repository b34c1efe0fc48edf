"""Our code, run as users run it, with a clock at the borders of its phases."""

import tempfile
from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback

from benchmarks.measuring import Meter
from benchmarks.setting import Setting
from slug_lightning.search import Measured, Pass, SearchSettings, Trace
from slug_lightning.trainer import SlugTrainer
from slug_lightning.unlearning import SLUG, Gradients, Outcome


class PhaseDoneError(Exception):
    """Ends a run when what is measured is complete; carries the result."""

    def __init__(self, result: Any) -> None:
        super().__init__("the measured phase is complete")
        self.result = result


class GradientClock(Callback):
    """Tells reading from computing, and ends the run when the gradients are there."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """The first batch is read next."""
        self.meter.enter("reading")

    def on_train_batch_start(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        """A batch was read."""
        self.meter.enter("computing")

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        """A batch was added; called before the files are written."""
        self.meter.enter("reading")
        if pl_module.gradients is not None:
            raise PhaseDoneError(pl_module.gradients)


class TimedSearch(SLUG):
    """SLUG with a clock around its search; the run ends where the final figures would begin."""

    meter: Meter

    def evaluation_plan(self) -> Generator[Pass, list[Measured], None]:
        """Scores first, since the baseline is given the layers; then the search, measured."""
        self.layer_scores()
        self.meter.start()
        plan, answer = super().evaluation_plan(), None
        while True:
            current = plan.send(answer)  # type: ignore[arg-type]
            self.meter.enter("setting up")
            nothing = [Measured({}) for _ in current.points]
            answer = nothing if current.split == "final" else (yield current)

    def final_outcome(self, before: Measured, after: Measured | None, trace: Trace | None) -> Outcome:
        """The search is over, and its final figures were not measured."""
        raise PhaseDoneError(trace)

    def begin_pass(self, current: Pass) -> None:
        """Encodes the classifiers of the pass."""
        self.meter.enter("prompts")
        super().begin_pass(current)
        self.meter.enter("reading")


class SearchClock(Callback):
    """Tells reading from computing within a pass."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    def on_validation_batch_start(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        """A batch was read."""
        self.meter.enter("images")

    def on_validation_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
        """The next batch is read."""
        self.meter.enter("reading")


def mean_gradients(setting: Setting, meter: Meter) -> Gradients:
    """The gradient pass of ``slug fit``: census, reading, one epoch; the model is loaded before."""
    module = SLUG(setting.model)
    module.load()
    meter.loaded()
    data = setting.data_module()

    def run(folder: Path) -> None:
        trainer = _trainer(folder, GradientClock(meter))
        meter.start()
        trainer.fit(module, data)

    found: Gradients = _until_done(run)
    meter.stop()
    return found


def search(setting: Setting, gradients: Path, measure: str, meter: Meter) -> Trace:
    """The search of ``slug validate --gradients``, up to the final figures."""
    module = TimedSearch(setting.model, search=search_settings(setting, measure))
    module.load()
    module.meter = meter
    meter.loaded()

    def run(folder: Path) -> None:
        trainer = _trainer(folder, SearchClock(meter))
        trainer.validate(module, setting.data_module(), gradients=gradients)

    trace: Trace = _until_done(run)
    meter.stop()
    return trace


def search_settings(setting: Setting, measure: str) -> SearchSettings:
    """The search that both sides run."""
    return SearchSettings(
        layers=setting.layers or "front",
        forget_target=setting.forget_target,
        evaluations=setting.evaluations,
        measure=measure,  # type: ignore[arg-type]
    )


def trace_entries(trace: Trace) -> dict[str, Any]:
    """Counts of all points and the choice, to be compared."""

    def counts(measured: Measured) -> dict[str, list[int]]:
        return {name: [a.correct, a.n] for name, a in sorted(measured.metrics.items())}

    points = [
        {**asdict(p.point), "feasible": p.feasible, "broken": p.measured.broken, "counts": counts(p.measured)}
        for p in trace.probes
    ]
    best = trace.best
    return {
        "before": counts(trace.before),
        "points": points,
        "chosen": None if best is None else asdict(best.point),
        "feasible": trace.feasible,
    }


def _trainer(folder: Path, clock: Callback) -> SlugTrainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return SlugTrainer(accelerator="cpu", devices=1, callbacks=[clock], default_root_dir=folder, **quiet)


def _until_done(run: Callable[[Path], None]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(Path(folder))
        except PhaseDoneError as done:
            return done.result
    raise RuntimeError("Expected the run to end when its phase is complete, but it went on.")
