"""A configuration that is added is a configuration that is tested."""

from pathlib import Path

import pytest

from slug_lightning.cli.lightning import build
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.trainer import SlugTrainer
from slug_lightning.unlearning import SLUG

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_instantiates(path):
    cli = build(["--config", str(path), "--trainer.accelerator", "cpu", "--trainer.devices", "1"], run=False)
    assert isinstance(cli.trainer, SlugTrainer)
    assert isinstance(cli.model, SLUG)
    assert isinstance(cli.datamodule, UnlearningDataModule)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_is_short_and_says_its_command_first(path):
    lines = path.read_text().splitlines()
    assert f"slug fit --config configs/{path.name}" in lines[0]
    assert sum(not line.startswith("#") for line in lines) <= 30


def test_there_are_the_two_that_are_promised():
    assert {path.stem for path in CONFIGS} >= {"miniature", "clip_vit_b_32_laion400m"}


def test_the_demo_runs_exactly_the_miniature_configuration():
    from slug_lightning.cli.demo import CONFIG

    assert CONFIG.read_text() == (CONFIGS[0].parent / "miniature.yaml").read_text()
