import pytest
import torch

from slug_lightning.data.celeba import CelebAIdentities
from slug_lightning.errors import BadDataError, ConceptNotFoundError, DataNotFoundError, SettingError
from tests.data.tars import picture

PEOPLE = {"Ada_Example": 8, "Ben_Sample": 6, "Cleo_Test": 4, "Dora_Rare": 1}


def to_tensor(image):
    return torch.full((3, 2, 2), float(image.width))


@pytest.fixture
def root(tmp_path):
    (tmp_path / "img_align_celeba").mkdir()
    lines, splits = [], []
    for i, name in enumerate(name for name, count in PEOPLE.items() for _ in range(count)):
        (tmp_path / "img_align_celeba" / f"{i + 1:06d}.jpg").write_bytes(picture(i))
        lines.append(f"{i + 1:06d}.jpg {name}")
        splits.append(f"{i + 1:06d}.jpg {1 + i % 2}")
    write_list(tmp_path, lines)
    (tmp_path / "list_eval_partition.txt").write_text("\n".join(splits) + "\n")
    return tmp_path


def write_list(root, lines):
    (root / "list_identity_celeba.txt").write_text(
        f"{len(lines)}\nimage_id identity_name\n" + "\n".join(lines) + "\n"
    )


def names_used(data):
    return {data.names[label] for label in data.labels}


def test_names_are_all_of_the_list_and_items_carry_image_label_and_key(root):
    data = CelebAIdentities(root, "search", to_tensor, root / "list_eval_partition.txt")
    assert data.names == ("Ada Example", "Ben Sample", "Cleo Test", "Dora Rare")
    assert len(data) == 10
    item = data[0]
    assert (item["key"], item["label"]) == ("000001.jpg", 0)
    assert torch.equal(item["image"], torch.full((3, 2, 2), 24.0))


@pytest.mark.parametrize("listed", [True, False])
def test_search_and_final_share_no_image_and_cover_all(root, listed):
    partition = root / "list_eval_partition.txt" if listed else None
    keys = [
        {e.key for e in CelebAIdentities(root, split, to_tensor, partition).entries}
        for split in ("search", "final")
    ]
    assert not keys[0] & keys[1]
    assert len(keys[0] | keys[1]) == 19


def test_the_most_frequent_people_and_those_to_forget_are_used(root):
    partition = root / "list_eval_partition.txt"
    data = CelebAIdentities(root, "search", to_tensor, partition, max_identities=2)
    assert names_used(data) == {"Ada Example", "Ben Sample"}
    assert len(data.names) == 4
    data = CelebAIdentities(root, "search", to_tensor, partition, max_identities=2, include=["Ada Example"])
    assert names_used(data) == {"Ada Example", "Ben Sample", "Cleo Test"}
    data = CelebAIdentities(root, "search", to_tensor, partition, max_identities=1, include=["Dora Rare"])
    assert names_used(data) == {"Ada Example", "Dora Rare"}


def test_a_list_of_frequent_people_goes_first(root):
    (root / "frequent_celebs.txt").write_text("Nobody Here\nCleo Test\nBen_Sample\nAda Example\n")
    data = CelebAIdentities(root, "final", to_tensor, root / "list_eval_partition.txt", max_identities=2)
    assert names_used(data) == {"Cleo Test", "Ben Sample"}


def test_images_per_person_are_limited_by_a_seed(root):
    def keys(seed):
        data = CelebAIdentities(
            root, "final", to_tensor, root / "list_eval_partition.txt", images_per_identity=2, seed=seed
        )
        return [entry.key for entry in data.entries]

    assert len(keys(0)) == 2 + 2 + 2
    assert keys(0) == keys(0) == sorted(keys(0))
    assert len({tuple(keys(seed)) for seed in range(5)}) > 1


def test_one_label_and_the_others_are_views(root):
    data = CelebAIdentities(root, "search", to_tensor, root / "list_eval_partition.txt")
    label = data.label_of("Ben Sample")
    only, without = data.only(label), data.without(label)
    assert only.labels == (label,)
    assert label not in without.labels
    assert only.names == without.names == data.names
    assert {e.key for e in only.entries} | {e.key for e in without.entries} == {e.key for e in data.entries}
    with pytest.raises(ConceptNotFoundError, match=r"'Ben Sampel' is not among .* Closest: \['Ben Sample'"):
        data.label_of("Ben Sampel")


def test_a_person_without_images_in_the_split_is_refused(root):
    data = CelebAIdentities(root, "search", to_tensor, root / "list_eval_partition.txt", max_identities=1)
    with pytest.raises(BadDataError, match="Expected images of 'Dora Rare' but found none"):
        data.only(data.label_of("Dora Rare"))


def test_images_of_the_list_that_are_not_there_are_counted(root):
    (root / "img_align_celeba" / "000001.jpg").unlink()
    data = CelebAIdentities(root, "search", to_tensor, root / "list_eval_partition.txt")
    assert data.absent == 1
    assert len(data) == 9


def test_an_unreadable_image_has_a_reason_and_no_tensor(root):
    (root / "img_align_celeba" / "000001.jpg").write_bytes(b"no")
    (root / "img_align_celeba" / "000003.jpg").write_bytes(picture(2)[:-90])
    data = CelebAIdentities(root, "search", to_tensor, root / "list_eval_partition.txt")
    assert data[0] == {"label": 0, "key": "000001.jpg", "skipped": "not_an_image"}
    assert data[1]["skipped"] == "broken_image"
    (root / "img_align_celeba" / "000005.jpg").unlink()  # after it was listed
    assert data[2]["skipped"] == "no_image"


def test_what_is_missing_is_said_with_where_to_get_it(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"img_align_celeba' is missing; request CelebA"):
        CelebAIdentities(tmp_path, "search", to_tensor)
    (tmp_path / "img_align_celeba").mkdir()
    with pytest.raises(DataNotFoundError, match=r"list_identity_celeba\.txt' is missing; request CelebA"):
        CelebAIdentities(tmp_path, "search", to_tensor)
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 2880\n")
    with pytest.raises(SettingError, match=r"identity_CelebA\.txt' has only numbers, .*; request CelebA"):
        CelebAIdentities(tmp_path, "search", to_tensor)


@pytest.mark.parametrize(
    ("lines", "error", "match"),
    [
        (["000001.jpg 2880", "000002.jpg 17"], SettingError, "has only numbers"),
        (["000001.jpg Ada_Example", "rubbish"], BadDataError, "line 4 .* is 'rubbish'"),
        (["999999.jpg Ada_Example"], BadDataError, "found none"),
    ],
)
def test_unusable_lists_are_refused(root, lines, error, match):
    write_list(root, lines)
    with pytest.raises(error, match=match):
        CelebAIdentities(root, "search", to_tensor)


def test_limits_and_unknown_names_are_refused(root):
    with pytest.raises(SettingError, match="at least 1 but got 0"):
        CelebAIdentities(root, "search", to_tensor, max_identities=0)
    with pytest.raises(ConceptNotFoundError, match=r"Closest: \['Ada Example'"):
        CelebAIdentities(root, "search", to_tensor, include=["Ada Exampel"])


@pytest.fixture
def official(root):
    """The files as the authors give them out: numbers for people, who are dealt to splits as a whole."""
    numbers = {"Ada_Example": 2880, "Ben_Sample": 17, "Cleo_Test": 10177, "Dora_Rare": 4}
    lines = (root / "list_identity_celeba.txt").read_text().splitlines()[2:]
    (root / "list_identity_celeba.txt").unlink()
    people = dict(line.split() for line in lines)
    write(root / "identity_CelebA.txt", [f"{image} {numbers[name]}" for image, name in people.items()])
    parts = {"Ada_Example": 2, "Ben_Sample": 1, "Cleo_Test": 0, "Dora_Rare": 2}
    write(root / "list_eval_partition.txt", [f"{image} {parts[name]}" for image, name in people.items()])
    write(root / "names.txt", ["2880 Ada_Example", "17 Ben Sample", "10177  Cleo_Test", "9999 Not_There"])
    return root


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines))


def test_official_numbers_with_a_list_of_names(official):
    data = CelebAIdentities(
        official, "final", to_tensor, names_file=official / "names.txt", search_share=0.01
    )
    assert data.names == ("Ada Example", "Ben Sample", "Cleo Test")  # who has no name is left out
    assert [len(data.only(label)) for label in data.labels] == [8, 6, 4]


def test_the_official_partition_leaves_nobody_in_both_splits_and_says_so(official):
    listed = {"partition_file": official / "list_eval_partition.txt", "names_file": official / "names.txt"}
    final = CelebAIdentities(official, "final", to_tensor, include=["Ada Example"], **listed)
    assert names_used(final) == {"Ada Example"}
    assert names_used(CelebAIdentities(official, "search", to_tensor, **listed)) == {"Ben Sample"}
    match = r"Expected search images of 'Ada Example' but .*official list .*; leave .*partition out"
    with pytest.raises(BadDataError, match=match):
        CelebAIdentities(official, "search", to_tensor, include=["Ada Example"], **listed)


def test_a_list_of_frequent_people_that_names_nobody_is_refused(root):
    write(root / "frequent_celebs.txt", ["Nobody Here", "Ada Exampel"])
    with pytest.raises(BadDataError, match=r"frequent_celebs\.txt' but none of its 2 lines is one"):
        CelebAIdentities(root, "final", to_tensor)
