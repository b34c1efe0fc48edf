"""Signals with which a scheduler ends a run: the run stops after its batch, with its progress written."""

import os
import subprocess
from types import FrameType

from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn


class PreemptionSignals(_SignalConnector):
    """Notes the signals and does nothing else in the handler.

    Lightning 2.6 starts a collective inside of its SIGTERM handler, which meets another one on processes that
    were signalled at another moment, and writes a checkpoint of the whole model at SLURM's requeue signal,
    from which a later run would count its batches on. Here the gradient pass asks ``received_sigterm`` after
    each batch, agrees with the other processes, writes its progress and ends. Private API of Lightning 2.6.
    """

    requeue_wanted = False

    def _sigterm_notifier_fn(self, signum: int, _: FrameType | None) -> None:
        launcher = self.trainer.strategy.launcher
        if not self.received_sigterm and launcher is not None:
            launcher.kill(signum)  # the processes that this one has started
        self.received_sigterm = True

    def _slurm_sigusr_handler_fn(self, signum: int, _: FrameType | None) -> None:
        self.requeue_wanted = self.received_sigterm = True

    def requeue(self) -> None:
        """Put the SLURM job back into its queue, if the signal for it came; on the first process."""
        if not (self.requeue_wanted and self.trainer.is_global_zero):
            return
        array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
        job = f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID", "")
        try:
            subprocess.run(["scontrol", "requeue", job], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            rank_zero_warn(f"SLURM job {job!r} was not requeued: {error}. Submit it again; it will go on.")
        else:
            rank_zero_info(f"SLURM job {job} was requeued; it will go on where it ended.")
