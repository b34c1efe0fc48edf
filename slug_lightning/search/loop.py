"""The validation loop that runs a search: one stock pass over the data per question it is asked.

The module's ``evaluation_plan`` is a generator of passes; this loop runs each as Lightning runs any
validation (progress bar, hooks, devices, DDP) over the data loaders that the pass names, and sends back what
was measured.
``_EvaluationLoop`` is private to Lightning 2.6, so the subclass stays thin and the version is pinned.
"""

from typing import Any

from lightning.pytorch.loops.evaluation_loop import _EvaluationLoop

from slug_lightning.search.plan import Pass


class StepSearchLoop(_EvaluationLoop):
    """Runs every pass of the module's evaluation plan; used by both ``fit`` and ``validate``."""

    _pass: Pass | None = None
    _every_batch: list[int | float]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._every_batch = []

    def run(self) -> list[Any]:
        """Drive the plan to its end; returns what the last pass logged."""
        module: Any = self.trainer.lightning_module
        plan = module.evaluation_plan()
        outputs: list[Any] = []
        answer = None
        try:
            while True:
                self._pass = plan.send(answer)
                module.begin_pass(self._pass)
                outputs = super().run()
                answer = module.end_pass()
        except StopIteration:
            self._pass = None
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if (hook := getattr(callback, "on_evaluation_plan_end", None)) is not None:
                hook(self.trainer, module)
        return outputs

    def setup_data(self) -> None:
        """Load the data as usual, then leave out the loaders that the pass does not name."""
        self._max_batches = list(self._every_batch)
        super().setup_data()
        self._every_batch = list(self._max_batches)
        if self._pass is not None and self._every_batch:
            names: list[tuple[str, str]] = self.trainer.datamodule.loader_names  # type: ignore[attr-defined]
            wanted = {(self._pass.split, dataset) for dataset in self._pass.datasets}
            self._max_batches = [
                batches if name in wanted else 0
                for name, batches in zip(names, self._every_batch, strict=True)
            ]

    @property
    def skip(self) -> bool:
        """A process without images of its own still takes part in the collectives of a pass."""
        return self._pass is None and super().skip
