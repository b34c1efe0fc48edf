import os
import signal

import pytest

from slug_lightning.trainer import SlugTrainer


@pytest.fixture
def signals():
    return SlugTrainer(accelerator="cpu", logger=False)._signal_connector


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """A SLURM that writes down what it is asked."""
    command, said = tmp_path / "scontrol", tmp_path / "said"
    command.write_text(f'#!/bin/sh\necho "$@" >> {said}\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    return said


def test_sigterm_is_noted_and_nothing_else(signals):
    signals._sigterm_notifier_fn(signal.SIGTERM, None)
    assert signals.received_sigterm
    assert not signals.requeue_wanted


def test_a_job_is_requeued_only_if_its_signal_came(signals, scontrol):
    signals.requeue()
    assert not scontrol.exists()
    signals._slurm_sigusr_handler_fn(signal.SIGUSR1, None)
    assert signals.received_sigterm
    signals.requeue()
    assert scontrol.read_text() == "requeue 77\n"


def test_a_task_of_an_array_is_requeued_by_its_name(signals, scontrol, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "70")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    signals._slurm_sigusr_handler_fn(signal.SIGUSR1, None)
    signals.requeue()
    assert scontrol.read_text() == "requeue 70_3\n"


def test_without_slurm_the_user_is_told(signals, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    signals._slurm_sigusr_handler_fn(signal.SIGUSR1, None)
    with pytest.warns(UserWarning, match="not requeued"):
        signals.requeue()
