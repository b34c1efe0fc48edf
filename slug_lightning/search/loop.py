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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loaders: list[Any] = []
        self._batches: list[int | float] = []

    def run(self) -> list[Any]:
        """Drive the plan to its end; returns what the last pass logged."""
        module: Any = self.trainer.lightning_module
        plan = module.evaluation_plan()
        self._combined_loader, self._loaders = None, []
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
        # A process that ends while the first one still writes would take it down.
        self.trainer.strategy.barrier("run files")
        return outputs

    def setup_data(self) -> None:
        """Make the loaders once per run; in each pass, put nothing in place of those it does not name.

        A limit of zero batches would not do: a loader's workers start to decode as soon as it is asked.
        """
        if not self._loaders:
            super().setup_data()
            if self._combined_loader is None:
                return
            self._loaders, self._batches = list(self._combined_loader.flattened), list(self._max_batches)
        if self._pass is None or self._combined_loader is None:
            return
        names: list[tuple[str, str]] = self.trainer.datamodule.loader_names  # type: ignore[attr-defined]
        wanted = [split == self._pass.split and name in self._pass.datasets for split, name in names]
        self._combined_loader.flattened = [
            loader if use else () for loader, use in zip(self._loaders, wanted, strict=True)
        ]
        self._max_batches = [n if use else 0 for n, use in zip(self._batches, wanted, strict=True)]

    @property
    def skip(self) -> bool:
        """A process without images of its own still takes part in the collectives of a pass."""
        return self._pass is None and super().skip
