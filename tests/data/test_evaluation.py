import pytest
import torch

from slug_lightning.data.evaluation import evaluation_loader
from slug_lightning.data.labelled import Entry, LabelledImages
from slug_lightning.errors import SettingError
from tests.data.tars import picture


def to_tensor(image):
    return torch.full((3, 2, 2), float(image.getpixel((0, 0))[0]))


@pytest.fixture
def data(tmp_path):
    entries = []
    for i in range(23):
        path = tmp_path / f"{i:02d}.png"
        path.write_bytes(b"no" if i in {4, 5} else picture(i, kind="PNG"))
        entries.append(Entry(path, path.name, i % 3))
    return LabelledImages(["a", "b", "c"], entries, to_tensor)


@pytest.mark.parametrize("world_size", [1, 2, 3, 5, 30])
@pytest.mark.parametrize("workers", [0, 2])
def test_each_image_is_seen_once_over_all_ranks(data, world_size, workers):
    if world_size == 30 and workers:
        workers = 0  # thirty times two processes for nothing
    keys, skipped = [], 0
    for rank in range(world_size):
        own = []
        for batch in evaluation_loader(data, 4, rank, world_size, workers):
            own += batch["key"]
            skipped += sum(batch["skipped"].values())
            assert len(batch["key"]) == len(batch["image"]) == len(batch["label"])
        assert own == sorted(own)
        keys += own
    assert sorted(keys) == [f"{i:02d}.png" for i in range(23) if i not in {4, 5}]
    assert skipped == 2


@pytest.mark.parametrize("world_size", [2, 3])
def test_batches_hold_the_same_images_on_any_number_of_ranks(data, world_size):
    alone = [b["key"] for b in evaluation_loader(data, 4)]
    dealt = [[b["key"] for b in evaluation_loader(data, 4, rank, world_size)] for rank in range(world_size)]
    assert dealt == [alone[rank::world_size] for rank in range(world_size)]


def test_image_label_and_key_belong_together(data):
    for batch in evaluation_loader(data, 6):
        for image, label, key in zip(batch["image"], batch["label"], batch["key"], strict=True):
            assert image[0, 0, 0] == int(key[:2])
            assert label == int(key[:2]) % 3


def test_two_passes_are_the_same(data):
    loader = evaluation_loader(data, 5)
    assert [b["key"] for b in loader] == [b["key"] for b in loader]


def test_a_batch_of_unreadable_images_is_empty_and_counted(data):
    bad = LabelledImages(data.names, data.entries[4:6], to_tensor)
    (batch,) = evaluation_loader(bad, 5)
    assert batch["image"].shape == (0, 3, 2, 2)
    assert batch["label"].shape == (0,)
    assert (batch["key"], batch["skipped"]) == ([], {"not_an_image": 2})


def test_numbers_out_of_range_are_refused(data):
    with pytest.raises(SettingError, match="batch_size"):
        evaluation_loader(data, 0)
    with pytest.raises(SettingError, match=r"rank in \[0, 2\) but got 2"):
        evaluation_loader(data, 1, rank=2, world_size=2)
