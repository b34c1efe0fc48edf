import datasets
import pytest

from slug_lightning.curation import dataset_source
from slug_lightning.curation.dataset_source import dataset_sources
from slug_lightning.curation.table import Columns
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError
from tests.curation.making import CAPTIONS, NAMING, elon, png

COLUMNS = Columns(image="image")


@pytest.fixture(autouse=True)
def quiet():
    datasets.disable_progress_bars()
    yield
    dataset_source._open.cache_clear()


def save(path, **changes):
    table = {
        "image": [{"bytes": png(i), "path": None} for i in range(len(CAPTIONS))],
        "caption": CAPTIONS,
        "url": [f"https://host/{i}" for i in range(len(CAPTIONS))],
    }
    table = {name: column for name, column in {**table, **changes}.items() if column is not None}
    saved = datasets.Dataset.from_dict(table)
    if "image" in table:
        saved = saved.cast_column("image", datasets.Image())
    saved.save_to_disk(path)
    return path


def test_pairs_of_a_saved_data_set_are_found_with_their_bytes(tmp_path):
    (source,) = dataset_sources(save(tmp_path / "saved"), COLUMNS)
    harvest = source.find(elon())
    assert [(pair.key, pair.image) for pair in harvest.found] == [(str(i), png(i)) for i in NAMING]
    assert (harvest.found[1].suffix, harvest.found[1].about.url) == ("png", "https://host/3")
    assert harvest.pairs == len(CAPTIONS)
    assert len(source.others(elon())) == len(CAPTIONS) - len(NAMING)
    assert [pair.position for pair in source.fetch(elon(), ["1", "12"]).found] == [1, 12]
    assert source.captions(2) == CAPTIONS[:2]
    assert source.name.endswith("saved[0:13]")


def test_long_data_sets_are_several_sources(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_source, "CHUNK", 5)
    sources = dataset_sources(save(tmp_path / "saved", url=None), COLUMNS)
    found = [pair.key for source in sources for pair in source.find(elon()).found]
    assert (len(sources), found) == (3, [str(i) for i in NAMING])


def test_images_may_be_paths_or_bytes_or_missing(tmp_path):
    (tmp_path / "0.png").write_bytes(png(0))
    images = [str(tmp_path / "0.png"), None, None]
    save(tmp_path / "paths", image=images, caption=["Elon Musk"] * 2 + [None], url=None)
    harvest = dataset_sources(tmp_path / "paths", COLUMNS)[0].find(elon())
    assert [pair.image for pair in harvest.found] == [png(0)]
    assert harvest.counts == {"no_image": 1, "no_caption": 1}
    datasets.Dataset.from_dict({"image": [png(0), None], "caption": ["Elon Musk"] * 2}).save_to_disk(
        tmp_path / "raw"
    )
    harvest = dataset_sources(tmp_path / "raw", COLUMNS)[0].find(elon())
    assert [pair.image for pair in harvest.found] == [png(0)]
    assert harvest.counts == {"no_image": 1}


def test_a_folder_of_splits_asks_for_one(tmp_path):
    split = datasets.Dataset.from_dict({"image": ["x"], "caption": ["y"]})
    datasets.DatasetDict({"train": split, "test": split}).save_to_disk(tmp_path / "saved")
    with pytest.raises(
        DataNotFoundError, match=r"holds the splits \['test', 'train'\]; name one: .*saved/test'"
    ):
        dataset_sources(tmp_path / "saved", COLUMNS)


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match="check --dataset"):
        dataset_sources(tmp_path, COLUMNS)
    with pytest.raises(
        BadDataError, match=r"column 'caption' in .*Closest: \['captions'\].*--caption_column"
    ):
        dataset_sources(save(tmp_path / "saved", caption=None, captions=CAPTIONS), COLUMNS)
    path = save(tmp_path / "damaged")
    next(path.glob("*.arrow")).write_bytes(b"rubbish")
    with pytest.raises(BadDataError, match="Expected a whole data set in .*damaged' but it cannot be loaded"):
        dataset_sources(path, COLUMNS)


def test_the_package_is_asked_for_only_here(tmp_path, monkeypatch):
    save(tmp_path / "saved")
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(SettingError, match=r"pip install 'slug_lightning\[datasets\]'"):
        dataset_sources(tmp_path / "saved", COLUMNS)


def test_the_state_changes_with_the_data_set(tmp_path):
    (source,) = dataset_sources(save(tmp_path / "saved"), COLUMNS)
    before = source.state
    save(tmp_path / "other", url=None)
    assert dataset_sources(tmp_path / "other", COLUMNS)[0].state != before == source.state
