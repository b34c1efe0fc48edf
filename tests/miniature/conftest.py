import pytest

from slug_lightning.miniature.recipe import WorldRecipe
from slug_lightning.miniature.world import build_world

SMALL = WorldRecipe(scans=150, search_scans=30, final_scans=60, pairs_per_shard=250, forget_pairs=20)


@pytest.fixture(scope="session")
def small_world(tmp_path_factory):
    return build_world(tmp_path_factory.mktemp("small") / "world", SMALL)
