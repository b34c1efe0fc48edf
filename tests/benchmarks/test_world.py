"""Made-up data are read by the data module, in the numbers that were asked for."""

import pytest

from benchmarks.setting import Setting
from benchmarks.world import WorldSize, build_world, names

SIZE = WorldSize(retain_pairs=5, forget_pairs=3, images=7, classes=3, people=4, images_each=2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build_world(tmp_path_factory.mktemp("made") / "up", SIZE)


def test_has_the_numbers_asked_for(world):
    data = Setting(str(world), "miniature", names(1, SIZE.seed)[0]).data_module()
    data.look()
    assert {role: census.samples for role, census in data.census.items()} == {"forget": 3, "retain": 5}
    sizes = {name: len(images) for name, images in data.sets.items()}
    assert sizes["search", "forget"] == 2
    assert sizes["search", "identities"] == 6
    assert sizes["search", "imagenet"] == 7
    assert sizes["final", "imagenet"] == 3
    assert len(data.prompts()["imagenet"]) == 3


def test_is_not_built_twice_and_another_size_replaces_it(world):
    before = (world / "size.json").stat().st_mtime_ns
    assert build_world(world, SIZE) == world
    assert (world / "size.json").stat().st_mtime_ns == before


def test_equal_seeds_give_equal_bytes(world, tmp_path):
    again = build_world(tmp_path / "again", SIZE)
    for path in sorted(world.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (again / path.relative_to(world)).read_bytes(), path
