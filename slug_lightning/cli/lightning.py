"""``slug fit`` and ``slug validate``: LightningCLI over the SLUG module and its data."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.cli import LightningCLI, SaveConfigCallback
from lightning.pytorch.utilities.exceptions import SIGTERMException

from slug_lightning.atomic import write_text
from slug_lightning.cli import INFEASIBLE
from slug_lightning.cli.class_names import parser_for
from slug_lightning.cli.concepts import Order, Request, check_request, run_request
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.errors import SettingError, SlugError
from slug_lightning.trainer import REQUIRED, SlugTrainer
from slug_lightning.unlearning import (  # imported so that they resolve by name
    SLUG,  # noqa: F401
    SSD,  # noqa: F401
    FineTune,  # noqa: F401
    GradientAscent,  # noqa: F401
    GradientAscentFineTune,  # noqa: F401
    SalUn,  # noqa: F401
    Unlearner,
)


class SaveRunConfig(SaveConfigCallback):
    """Writes the complete configuration into the run's folder, whole or not at all."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "save_to_log_dir": False})

    def save_config(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Called once, on the first process."""
        folder = trainer.run_dir  # type: ignore[attr-defined]
        write_text(folder / "config.yaml", self.parser.dump(self.config, skip_none=False))


class SeveralConceptsError(Exception):
    """Says that a command line asks for more than one run."""

    def __init__(self, concepts: tuple[str, ...], order: Order, root: Path) -> None:
        super().__init__(concepts)
        self.concepts, self.order, self.root = concepts, order, root


class SlugCLI(LightningCLI):
    """Two subcommands, each with every option of trainer, module and data.

    Args:
        launch: Command line with which DDP is to start its other processes, if not that of this run.
        arguments: Those of LightningCLI.
    """

    def __init__(self, *arguments: Any, launch: Sequence[str] | None = None, **named: Any) -> None:
        self.launch = launch
        super().__init__(*arguments, **named)

    def before_instantiate_classes(self) -> None:
        """Several concepts are several runs: found before anything is made for one of them."""
        if self.launch is not None:  # DDP looks at it when it starts; parsing is over
            sys.argv[1:] = self.launch
        config = self.config[self.subcommand] if self.subcommand else self.config
        data = config.data.init_args
        if len(data.concepts or []) < 2:
            return
        if self.subcommand == "validate":
            raise SettingError(
                f"slug validate measures one concept, but data.concepts is {data.concepts}. Choose one with "
                "--data.concepts null --data.concept NAME."
            )
        if self.subcommand == "fit":
            if config.model.class_path.split(".")[-1] != "SLUG":
                raise SettingError(
                    f"Expected the module SLUG for several concepts, but got {config.model.class_path}. Run "
                    "slug fit once per concept, with --data.concepts null."
                )
            check_request(data.concepts, data.forget_shards)
            root = Path(config.trainer.default_root_dir or Path.cwd())
            raise SeveralConceptsError(tuple(data.concepts), data.order, root)

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Trainer methods that are commands, with the arguments that the command line provides itself."""
        return {"fit": {"model", "datamodule"}, "validate": {"model", "datamodule"}}


def build(words: Sequence[str], run: bool = True, launch: Sequence[str] | None = None) -> SlugCLI:
    """The command line, parsed and, unless ``run`` is false, executed.

    Args:
        words: With the subcommand first if ``run``, without it if not.
        run: Execute, or only instantiate trainer, module and data.
        launch: Command line of DDP's other processes; the words by default.
    """
    with _command_line(words), _own_errors():
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
            launch=launch,
            parser_class=parser_for(model=Unlearner, data=UnlearningDataModule),
        )


@contextmanager
def _own_errors() -> Iterator[None]:
    """An error of ours that jsonargparse wrapped in its own comes out as it was: one sentence."""
    try:
        yield
    except ValueError as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, SlugError):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
        raise cause from None


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
        try:
            cli = build(words)
        except SeveralConceptsError as asked:
            return run_request(Request(tuple(words[1:]), asked.concepts, asked.order, asked.root))
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
