from collections import Counter

from slug_lightning.curation.harvest import About, FoundPair, Harvest
from slug_lightning.curation.staging import Staging

HARVEST = Harvest(
    7,
    5,
    [
        FoundPair(0, "a", "Élon", b"\xff\x00", "jpg", About("https://host/a", "12", (6, 4))),
        FoundPair(3, "b\udcff", "x", b"", "png"),
        FoundPair(5, "c", "y", b"zz", "gif"),
    ],
    Counter({"no_image": 2}),
    ["melon musk"],
    ["0.tar is truncated."],
    "0.parquet",
)


def test_what_is_saved_comes_back(tmp_path):
    Staging(tmp_path / "s", {"concept": "a"}).save("one", "state", HARVEST)
    again = Staging(tmp_path / "s", {"concept": "a"})
    assert again.holds("one", "state")
    assert again.load("one") == HARVEST


def test_a_source_without_pairs_leaves_one_small_file(tmp_path):
    staging = Staging(tmp_path / "s", {})
    staging.save("one", "", Harvest())
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["one.json", "settings.json"]
    assert staging.load("one") == Harvest()


def test_what_changed_or_was_never_saved_is_not_held(tmp_path):
    staging = Staging(tmp_path / "s", {})
    staging.save("one", "state", HARVEST)
    assert not staging.holds("one", "other state")
    assert not staging.holds("two", "state")


def test_other_settings_begin_anew(tmp_path):
    Staging(tmp_path / "s", {"limit": 1}).save("one", "state", HARVEST)
    assert not Staging(tmp_path / "s", {"limit": 2}).holds("one", "state")
    assert not (tmp_path / "s").exists()


def test_images_without_their_record_do_not_count(tmp_path):
    staging = Staging(tmp_path / "s", {})
    staging.save("one", "state", HARVEST)
    (tmp_path / "s" / "one.json").unlink()  # as when it was killed between the two
    assert not staging.holds("one", "state")


def test_it_can_be_removed_and_is_not_made_before_it_is_needed(tmp_path):
    staging = Staging(tmp_path / "s", {})
    assert not (tmp_path / "s").exists()
    staging.remove()
    staging.save("one", "", HARVEST)
    staging.remove()
    assert not (tmp_path / "s").exists()
