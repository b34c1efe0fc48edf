"""A small miniature world and one finished run of it, shared by the tests that need a whole pipeline."""

import os

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is fetched, ever
# Tensors are tiny here: a second thread costs more than it brings, above all on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# LightningCLI 2.6 calls names that jsonargparse 4.41 renamed: github.com/Lightning-AI/pytorch-lightning
os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")


@pytest.fixture(autouse=True)
def same_numbers_every_time():
    """A test that draws numbers draws the same ones in every run, whatever ran before it."""
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory):
    """A miniature world of 300 scans, in the real layouts."""
    from slug_lightning.miniature.recipe import WorldRecipe
    from slug_lightning.miniature.world import build_world

    recipe = WorldRecipe(
        scans=300, search_scans=60, final_scans=80, search_styles=2, pairs_per_shard=400, forget_pairs=48
    )
    return build_world(tmp_path_factory.mktemp("world") / "tiny", recipe).root


@pytest.fixture(scope="session")
def tiny_run(tiny_world, tmp_path_factory):
    """Folder of a finished `slug fit` on the tiny world."""
    from tests.helpers import fit

    return fit(tiny_world, tmp_path_factory.mktemp("run"))
