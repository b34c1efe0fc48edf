"""``slug fit`` and ``slug validate``: LightningCLI over the SLUG module and its data."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.cli import LightningCLI, SaveConfigCallback
from lightning.pytorch.utilities.exceptions import SIGTERMException

from slug_lightning.atomic import write_text
from slug_lightning.cli import INFEASIBLE
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.trainer import REQUIRED, SlugTrainer
from slug_lightning.unlearning import SLUG, Unlearner  # noqa: F401  imported so that `SLUG` resolves by name


class SaveRunConfig(SaveConfigCallback):
    """Writes the complete configuration into the run's folder, whole or not at all."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "save_to_log_dir": False})

    def save_config(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Called once, on the first process."""
        folder = trainer.run_dir  # type: ignore[attr-defined]
        write_text(folder / "config.yaml", self.parser.dump(self.config, skip_none=False))


class SlugCLI(LightningCLI):
    """Two subcommands, each with every option of trainer, module and data."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Trainer methods that are commands, with the arguments that the command line provides itself."""
        return {"fit": {"model", "datamodule"}, "validate": {"model", "datamodule"}}


def build(words: Sequence[str], run: bool = True) -> SlugCLI:
    """The command line, parsed and, unless ``run`` is false, executed.

    Args:
        words: With the subcommand first if ``run``, without it if not.
        run: Execute, or only instantiate trainer, module and data.
    """
    with _command_line(words):
        return SlugCLI(
            Unlearner,
            UnlearningDataModule,
            trainer_class=SlugTrainer,
            trainer_defaults=dict(REQUIRED),
            save_config_callback=SaveRunConfig,
            seed_everything_default=0,
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,
            run=run,
        )


@contextmanager
def _command_line(words: Sequence[str]) -> Iterator[None]:
    """Let the words be the process's own: DDP starts its other processes from ``sys.argv``."""
    saved = sys.argv
    sys.argv = [saved[0], *words]
    try:
        yield
    finally:
        sys.argv = saved


def run(words: Sequence[str]) -> int:
    """Run ``fit`` or ``validate``.

    Returns:
        3 if the search found no feasible point, 143 if the scheduler ended the run (SIGTERM).

    Raises:
        KeyboardInterrupt: If the user did.
    """
    try:
        cli = build(words)
    except SIGTERMException:
        print("Ended by SIGTERM; files already written are whole.", file=sys.stderr)
        return 143
    except SystemExit as stop:
        if stop.code == 1:  # Lightning's way to end after Ctrl-C; argument errors exit with 2
            raise KeyboardInterrupt from None
        raise
    trace = getattr(getattr(cli.model, "outcome", None), "trace", None)
    # Lightning kills every process when one ends with a status, so only the first one says it.
    said = trace is not None and not trace.feasible and cli.trainer.is_global_zero
    return INFEASIBLE if said else 0
