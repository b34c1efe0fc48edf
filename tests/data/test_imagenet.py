from collections import Counter

import pytest
import torch

from slug_lightning.data.imagenet import ImageNetFolder, imagenet_names
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError
from tests.data.tars import picture

COUNTS = {"n00000001": 30, "n00000002": 30, "n00000003": 3}


def to_tensor(image):
    return torch.zeros(3, 2, 2)


@pytest.fixture
def root(tmp_path):
    for folder, count in COUNTS.items():
        (tmp_path / "val" / folder).mkdir(parents=True)
        for i in range(count):
            (tmp_path / "val" / folder / f"ILSVRC2012_val_{i:08d}.JPEG").write_bytes(picture(i))
    names = "n00000001 tench, Tinca tinca\nn00000002 chalk drawing\nn00000003 neon\nn00000004 absent here\n"
    (tmp_path / "names.txt").write_text(names)
    return tmp_path / "val"


def load(root, split="final", **settings):
    return ImageNetFolder(root, split, to_tensor, root.parent / "names.txt", **settings)


def test_classes_are_those_of_the_names_file_in_folder_order(root):
    data = load(root)
    assert data.names == ("tench", "chalk drawing", "neon", "absent here")
    assert {e.key.split("/")[0]: e.label for e in data.entries} == {f: i for i, f in enumerate(COUNTS)}
    assert data[0]["image"].shape == (3, 2, 2)


def test_search_and_final_share_no_image_and_cover_all(root):
    search, final = ({e.key for e in load(root, s).entries} for s in ("search", "final"))
    assert not search & final
    assert len(search | final) == 63
    assert len(search) < len(final)


def test_a_list_splits_by_folder_and_name(root):
    listed = root.parent / "partition.txt"
    listed.write_text("n00000001/ILSVRC2012_val_00000003.JPEG 1\nn00000002/ILSVRC2012_val_00000003.JPEG 2\n")
    assert [e.key for e in load(root, "search", partition_file=listed).entries] == [
        "n00000001/ILSVRC2012_val_00000003.JPEG"
    ]


def test_a_subset_is_balanced_seeded_and_has_its_size(root):
    data = load(root, subset=21)
    counts = Counter(e.label for e in data.entries)
    scarce = sum(e.label == 2 for e in load(root).entries)
    assert len(data) == 21
    assert counts[2] == scarce  # a class with few images gives all it has
    assert abs(counts[0] - counts[1]) <= 1
    assert [e.key for e in data.entries] == [e.key for e in load(root, subset=21).entries]
    assert [e.key for e in data.entries] != [e.key for e in load(root, subset=21, seed=1).entries]
    assert len(load(root, subset=10_000)) == len(load(root))


def test_folder_names_are_class_names_where_they_are_words(tmp_path):
    for folder in ("chalk_drawing", "neon"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_bytes(picture(1))
    assert ImageNetFolder(tmp_path, "final", to_tensor).names == ("chalk drawing", "neon")


def sorted_val(root, folders):
    """The official validation images as valprep.sh sorts them; one a class is enough here."""
    for number, folder in enumerate(folders, 1):
        (root / folder).mkdir(parents=True)
        (root / folder / f"ILSVRC2012_val_{number:08d}.JPEG").write_bytes(picture(number))
    return root


def names_by_folder(data):
    return {entry.key.split("/")[0]: data.names[entry.label] for entry in data.entries}


KNOWN = {
    "n01440764": "tench",
    "n02012849": "crane bird",  # the two that are both called crane
    "n03126707": "construction crane",
    "n15075141": "toilet paper",
}


def test_the_thousand_synsets_have_open_clip_s_names_in_label_order(tmp_path):
    import open_clip

    root = sorted_val(tmp_path, imagenet_names())
    (root / ".cache").mkdir()
    data = ImageNetFolder(root, "final", to_tensor, search_share=0.001)
    assert data.names == tuple(open_clip.IMAGENET_CLASSNAMES)
    assert len(data) > 950
    assert set(KNOWN.items()) <= set(names_by_folder(data).items())


def test_some_of_the_thousand_are_told_from_all_of_them(tmp_path):
    data = ImageNetFolder(sorted_val(tmp_path, KNOWN), "final", to_tensor, search_share=0.001)
    assert len(data.names) == 1000
    assert names_by_folder(data) == KNOWN


def test_other_synsets_without_names_are_refused(root):
    with pytest.raises(SettingError, match=r"synsets but 3 of 3 are others, .*; set imagenet\.class_names"):
        ImageNetFolder(root, "final", to_tensor)


def test_a_folder_that_is_no_synset_does_not_turn_all_names_into_numbers(tmp_path):
    root = sorted_val(tmp_path, KNOWN)
    (root / "train").mkdir()
    with pytest.raises(BadDataError, match=r"n01440764 alone in .* but got \['train'\] beside them"):
        ImageNetFolder(root, "final", to_tensor)


def test_the_folder_above_is_refused_with_the_right_one(tmp_path):
    sorted_val(tmp_path / "val", KNOWN)
    with pytest.raises(BadDataError, match=r"found none\. Set the folder to '.*val'\."):
        ImageNetFolder(tmp_path, "final", to_tensor)


def test_unsorted_images_are_refused_with_what_to_do(tmp_path):
    (tmp_path / "ILSVRC2012_val_00000001.JPEG").write_bytes(picture(1))
    with pytest.raises(BadDataError, match="one flat folder; move each image into the folder of its class"):
        ImageNetFolder(tmp_path, "final", to_tensor)


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match="is missing; request ImageNet"):
        ImageNetFolder(tmp_path / "val", "final", to_tensor)
    with pytest.raises(BadDataError, match="is empty"):
        ImageNetFolder(tmp_path, "final", to_tensor)
    (tmp_path / "neon").mkdir()
    with pytest.raises(BadDataError, match="found none"):
        ImageNetFolder(tmp_path, "final", to_tensor)


def test_folders_without_a_name_bad_lists_and_sizes_are_refused(root):
    (root / "n00000009").mkdir()
    with pytest.raises(BadDataError, match=r"names but got \['n00000009'\]"):
        load(root)
    (root.parent / "names.txt").write_text("n00000001\n")
    with pytest.raises(BadDataError, match=r"line 1 of .* is 'n00000001'"):
        load(root)
    with pytest.raises(DataNotFoundError, match="LOC_synset_mapping"):
        ImageNetFolder(root, "final", to_tensor, root / "nowhere.txt")
    with pytest.raises(SettingError, match="subset of at least 1"):
        load(root, subset=0)
