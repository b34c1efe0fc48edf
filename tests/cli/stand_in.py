"""A stand-in for ``slug fit`` in a sweep of many requests: the run's files by their own writers, at once."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import torch

from slug_lightning.data.captions import concept_folder
from slug_lightning.errors import DataNotFoundError
from slug_lightning.unlearning.finished import GRADIENTS_FILE, find_retain
from slug_lightning.unlearning.gradients import Gradients
from tests.reports.run_directory import write_run

FAILING = ("Person 5", "Person 400", "Person 900")


def build(words):
    """What the command line would build and run, as far as a sweep looks at it."""
    concept = words[words.index("--data.concept") + 1]
    if concept == os.environ.get("KILLED_AT"):
        os.kill(os.getpid(), signal.SIGKILL)
    if concept in FAILING:
        raise DataNotFoundError(f"No shard matches {concept!r}.")
    runs = Path(words[words.index("--trainer.default_root_dir") + 1]) / "runs"
    run = write_run(runs / concept_folder(concept) / "20260102-030405", concept=concept, evidence=False)
    shared = find_retain(runs, "the pairs")
    if shared is None:
        (runs / f"passes-{os.getpid()}").touch()
    gradients = {"visual.proj": torch.ones(2, 2)}
    both = {"forget": 1, "retain": 1}
    Gradients(gradients, gradients, both, both, {"retain_key": "the pairs"}).save(run / GRADIENTS_FILE)
    return SimpleNamespace(
        trainer=SimpleNamespace(run_dir=run), model=SimpleNamespace(retain_from=shared, gradients_from=None)
    )


if __name__ == "__main__":
    import sys

    from slug_lightning.cli import lightning, main, sweep

    sweep.REQUESTS_PER_PROCESS = 1000  # all in this process
    lightning.build = lambda words, run=True: build(words) if run else None
    sys.exit(main(sys.argv[1:]))
