"""The tiny world as a benchmark's setting."""

import pytest

from benchmarks.setting import Setting


@pytest.fixture(scope="session")
def tiny_setting(tiny_world):
    return Setting(
        str(tiny_world),
        "miniature",
        "seven",
        "forget/seven/*.tar",
        "photo",
        retain_limit=100,
        layers=["visual.proj", "transformer.resblocks.1.mlp.c_fc.weight"],
        evaluations=4,
    )
