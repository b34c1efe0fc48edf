import shutil
from dataclasses import replace

import pytest

from slug_lightning.errors import SettingError
from slug_lightning.miniature import world as module
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.world import build_world
from tests.miniature.conftest import SMALL
from tests.shard_reading import read_shards

TINY = replace(SMALL, scans=60, search_scans=10, final_scans=20, forget_pairs=4)


def contents(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture
def builds(monkeypatch):
    """Counts the builds."""
    calls = []
    write = module._write_world

    def counted(root, recipe, concepts):
        calls.append(recipe)
        write(root, recipe, concepts)

    monkeypatch.setattr(module, "_write_world", counted)
    return calls


@pytest.fixture
def world(tmp_path):
    return build_world(tmp_path / "world", TINY)


def test_two_builds_are_equal_byte_for_byte(small_world, tmp_path):
    again = build_world(tmp_path / "again", SMALL)
    assert contents(again.root) == contents(small_world.root)


def test_another_seed_makes_another_world(world, tmp_path):
    other = build_world(tmp_path / "other", replace(TINY, seed=1))
    assert contents(other.root)["laion/00000.tar"] != contents(world.root)["laion/00000.tar"]


def test_the_same_recipe_is_not_built_again(world, builds):
    assert build_world(world.root, TINY) == world
    assert builds == []


def test_another_recipe_replaces_the_world(world, builds):
    other = replace(TINY, forget_pairs=3)
    build_world(world.root, other)
    assert builds == [other]


@pytest.mark.parametrize(
    "damage",
    [
        lambda root: (root / "laion/00000.tar").write_bytes(b"x"),
        lambda root: (root / "celeba/img_align_celeba/000003.jpg").unlink(),
        lambda root: (root / "forget/one/00001.tar").write_bytes(b"extra"),
        lambda root: (root / "world.json").unlink(),
        lambda root: (root / "world.json").write_text("{"),
        lambda root: (root / "world.json").write_text("[]"),
    ],
    ids=["changed", "missing", "extra", "no record", "broken record", "other record"],
)
def test_a_damaged_world_is_rebuilt(world, builds, damage):
    before = contents(world.root)
    damage(world.root)
    build_world(world.root, TINY)
    assert len(builds) == 1
    assert contents(world.root) == before


def test_a_failed_build_leaves_no_folder(tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("killed")

    monkeypatch.setattr(module.layouts, "write_imagenet", fail)
    with pytest.raises(RuntimeError, match="killed"):
        build_world(tmp_path / "world", TINY)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_rebuild_keeps_the_old_world(world, monkeypatch):
    before = contents(world.root)

    def fail(*_):
        raise RuntimeError("killed")

    monkeypatch.setattr(module.layouts, "write_imagenet", fail)
    with pytest.raises(RuntimeError, match="killed"):
        build_world(world.root, replace(TINY, seed=5))
    assert contents(world.root) == before


def test_the_world_can_be_moved(world, tmp_path, builds):
    shutil.move(world.root, tmp_path / "moved")
    assert build_world(tmp_path / "moved", TINY).laion.startswith(str(tmp_path / "moved"))
    assert builds == []


def test_paths_exist(small_world):
    for path in (
        small_world.celeba / "img_align_celeba",
        small_world.celeba_partition,
        small_world.imagenet,
        small_world.imagenet_names,
        small_world.imagenet_partition,
    ):
        assert path.exists()
    assert small_world.laion.endswith("laion/{00000..00002}.tar")
    assert small_world.forget("seven").endswith("forget/seven/*.tar")


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_other_peoples_files_are_never_replaced(tmp_path, kind):
    root = tmp_path / "documents"
    if kind == "folder":
        root.mkdir()
        (root / "thesis.tex").write_text("years of work")
    else:
        root.write_text("years of work")
    with pytest.raises(SettingError, match="holds other files"):
        build_world(root)
    kept = root / "thesis.tex" if kind == "folder" else root
    assert kept.read_text() == "years of work"


@pytest.fixture(scope="module")
def style_world(tmp_path_factory):
    return build_world(tmp_path_factory.mktemp("styles") / "world", TINY, concepts="styles")


def test_in_a_world_of_styles_the_styles_are_the_identities(style_world, world):
    assert style_world.identities == world.classes
    assert style_world.classes == world.identities
    shown = dict(
        line.split()
        for line in (style_world.celeba / "list_identity_celeba.txt").read_text().splitlines()[2:]
    )
    assert {name.replace("_", " ") for name in shown.values()} == set(style_world.identities)
    names = [line.split(" ", 1)[1] for line in style_world.imagenet_names.read_text().splitlines()]
    assert tuple(names) == DIGIT_WORDS


def test_both_worlds_have_the_same_pairs(style_world, world):
    ours, theirs = (sorted((w.root / "laion").glob("*.tar")) for w in (style_world, world))
    assert [p.read_bytes() for p in ours] == [p.read_bytes() for p in theirs]


def test_pairs_of_a_style_name_it_in_either_spelling(style_world):
    assert style_world.aliases("chalk drawing") == ("chalk",)
    assert style_world.aliases("mosaic") == ()
    captions = [
        s["txt"].decode() for s in read_shards(style_world.root / "forget" / "chalk_drawing" / "00000.tar")
    ]
    assert captions
    assert all("chalk" in caption for caption in captions)
    assert any("chalk drawing" not in caption for caption in captions)


def test_a_world_of_digits_is_no_world_of_styles(tmp_path, builds):
    build_world(tmp_path / "world", TINY)
    build_world(tmp_path / "world", TINY, concepts="styles")
    build_world(tmp_path / "world", TINY, concepts="styles")
    assert len(builds) == 2
