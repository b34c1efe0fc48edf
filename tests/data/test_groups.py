import random

import pytest
import torch
from torch.utils.data import DataLoader

from slug_lightning.data.captions import concept_pattern
from slug_lightning.data.census import take_census
from slug_lightning.data.groups import GroupedPairs
from slug_lightning.data.sampling import sample_pairs
from slug_lightning.errors import BadDataError, SettingError
from tests.data.tars import pair, picture, write_pairs, write_tar


def to_tensor(image):
    return (
        torch.frombuffer(bytearray(image.resize((4, 4)).tobytes()), dtype=torch.uint8)
        .view(4, 4, 3)
        .permute(2, 0, 1)
        / 255
    )


def tokenize(captions):
    return torch.tensor([[len(caption), 1, 2] for caption in captions], dtype=torch.int64)


def batches(census, group_size, rank=0, world_size=1, workers=0, **settings):
    pairs = GroupedPairs(
        census, group_size, to_tensor, tokenize, settings.pop("role", "retain"), rank, world_size, **settings
    )
    loader = DataLoader(pairs, batch_size=None, num_workers=workers)
    found = list(loader)
    assert len(found) == len(pairs) == len(loader)
    return found


def by_group(found):
    return {b["group"]: (b["key"], b["image"], b["text"], b["skipped"]) for b in found if b["group"] >= 0}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for group, (keys, image, text, skipped) in one.items():
        assert other[group][0] == keys
        assert torch.equal(other[group][1], image)
        assert torch.equal(other[group][2], text)
        assert other[group][3] == skipped


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """53 samples in three shards, some unusable."""
    folder = tmp_path_factory.mktemp("shards")
    bad = [("bad.jpg", b"rubbish"), ("bad.txt", b"a seven")]
    write_pairs(folder / "0.tar", range(20))
    write_tar(folder / "1.tar", [*pair(20), *bad, ("alone.txt", b"x"), *pair(21)])
    write_pairs(folder / "2.tar", range(22, 51))
    return str(folder / "*.tar")


CASES = [(w, n) for w in (1, 2, 3, 5) for n in (0, 1, 2)]


@pytest.mark.parametrize(("world_size", "workers"), CASES)
@pytest.mark.parametrize("groups_per_batch", [1, 2])
def test_a_sample_is_dealt_in_the_same_groups_on_any_number_of_ranks(
    shards, world_size, workers, groups_per_batch
):
    census = sample_pairs(take_census(shards), 31, seed=1)
    every = [key for b in batches(take_census(shards), 1) for key in b["key"] or [None]]
    expected = [[every[n] for n in census.chosen[i : i + 7] if every[n]] for i in range(0, 31, 7)]
    keys, sizes = [], []
    for rank in range(world_size):
        found = batches(census, 7, rank, world_size, workers, groups_per_batch=groups_per_batch)
        for batch in (b for b in found if b["group"] >= 0):
            keys.append((batch["group"], batch["key"]))
            sizes.append((batch["group"], batch["sizes"]))
            assert len(batch["key"]) + sum(batch["skipped"].values()) <= 7 * groups_per_batch
    assert [key for _, part in sorted(keys) for key in part] == [key for part in expected for key in part]
    assert [n for _, part in sorted(sizes) for n in part] == [len(part) for part in expected]


@pytest.mark.parametrize(("world_size", "workers"), CASES)
@pytest.mark.parametrize("group_size", [7, 30])
def test_the_same_groups_on_any_number_of_ranks_and_workers(shards, world_size, workers, group_size):
    census = take_census(shards)
    alone = by_group(batches(census, group_size))
    ranks = [batches(census, group_size, r, world_size, workers) for r in range(world_size)]
    assert len({len(found) for found in ranks}) == 1  # also with more ranks than groups
    joint = [b for found in ranks for b in found]
    assert_same(alone, by_group(joint))
    assert sorted(b["group"] for b in joint if b["group"] >= 0) == list(range(-(-53 // group_size)))
    for r, found in enumerate(ranks):  # own groups, in order, padding last
        real = [b["group"] for b in found if b["group"] >= 0]
        assert real == list(range(r, -(-53 // group_size), world_size))
        assert [b["group"] for b in found][len(real) :] == [-1] * (len(found) - len(real))


@pytest.mark.parametrize(("world_size", "workers"), CASES)
@pytest.mark.parametrize("together", [2, 3, 100])
def test_groups_in_one_batch_are_the_groups_of_single_batches(shards, world_size, workers, together):
    census = take_census(shards)
    single = batches(census, 7)
    joint = [
        batch
        for rank in range(world_size)
        for batch in batches(census, 7, rank, world_size, workers, groups_per_batch=together)
        if batch["group"] >= 0
    ]
    for batch in joint:
        alone = [b for b in single if batch["group"] <= b["group"] < batch["group"] + together]
        assert batch["key"] == [key for b in alone for key in b["key"]]
        assert batch["sizes"] == [len(b["key"]) for b in alone if b["key"]]
        assert torch.equal(batch["image"], torch.cat([b["image"] for b in alone]))
    assert sorted(batch["group"] for batch in joint) == list(range(0, 8, together))
    assert sum(len(batch["key"]) for batch in joint) == sum(len(batch["key"]) for batch in single)


def test_a_group_without_pairs_has_no_size(tmp_path):
    write_tar(tmp_path / "0.tar", [*pair(0), ("bad.txt", b"x"), *pair(2), *pair(3)])
    (batch,) = batches(take_census(str(tmp_path / "0.tar")), 1, groups_per_batch=4)
    assert batch["sizes"] == [1, 1, 1]


def test_one_shard_serves_more_ranks_than_it_has_groups(tmp_path):
    census = take_census(str(write_pairs(tmp_path / "0.tar", range(5))))
    ranks = [batches(census, 3, r, 5) for r in range(5)]
    assert [[b["group"] for b in found] for found in ranks] == [[0], [1], [-1], [-1], [-1]]
    assert [len(found[0]["key"]) for found in ranks] == [3, 2, 0, 0, 0]


def test_empty_batches_have_the_right_shapes(tmp_path):
    census = take_census(str(write_pairs(tmp_path / "0.tar", range(2))))
    (empty,) = batches(census, 2, rank=1, world_size=2)
    assert empty["image"].shape == (0, 3, 4, 4)
    assert empty["image"].dtype == torch.float32
    assert empty["text"].shape == (0, 3)
    assert empty["text"].dtype == torch.int64
    assert (empty["key"], empty["role"], empty["group"], empty["skipped"]) == ([], "retain", -1, {})


@pytest.mark.parametrize("group_size", [1, 4, 64])
def test_no_sample_is_lost_or_counted_twice(shards, group_size):
    census = take_census(shards)
    found = batches(census, group_size, exclude=concept_pattern("number 3"))
    keys = [key for b in found for key in b["key"]]
    skipped = [(reason, n) for b in found for reason, n in b["skipped"].items()]
    assert len(keys) == len(set(keys))
    assert len(keys) + sum(n for _, n in skipped) == census.samples == 53
    assert sorted(skipped) == [("excluded", 1), ("no_image", 1), ("not_an_image", 1)]
    assert "000000003" not in keys
    assert "000000033" in keys


def test_groups_do_not_depend_on_what_is_excluded(shards):
    census = take_census(shards)
    every = by_group(batches(census, 7))
    fewer = by_group(batches(census, 7, exclude=concept_pattern(["number 3", "number 30"])))
    for group, (keys, *_) in every.items():
        assert fewer[group][0] == [k for k in keys if k not in {"000000003", "000000030"}]


def test_image_and_text_belong_to_the_same_key(shards):
    for b in batches(take_census(shards), 7):
        for key, image, text in zip(b["key"], b["image"], b["text"], strict=True):
            assert text[0] == len(f"a seven, number {int(key)}")
            assert abs(image[0, 0, 0].item() * 255 - int(key)) < 6


def test_a_limit_takes_the_first_samples_and_stops(shards):
    census = take_census(shards, limit=21)
    assert len(census.shards) == 2
    found = batches(census, 8)
    assert [b["group"] for b in found] == [0, 1, 2]
    assert [key for b in found for key in b["key"]] == [f"{i:09d}" for i in range(21)]


def test_a_run_continues_where_it_stopped(shards):
    census = take_census(shards)
    alone = by_group(batches(census, 7))
    joint = [b for r in range(3) for b in batches(census, 7, r, 3, workers=2, first_group=5)]
    assert_same({g: v for g, v in alone.items() if g >= 5}, by_group(joint))
    assert batches(census, 7, first_group=8) == []


def test_forget_captions_can_be_replaced_and_retain_captions_cannot(shards):
    census = take_census(shards, limit=3)
    (batch,) = batches(census, 3, role="forget", caption=lambda caption: "seven.")
    assert batch["role"] == "forget"
    assert batch["text"][:, 0].tolist() == [6, 6, 6]
    with pytest.raises(SettingError, match="retain pairs with captions of their own"):
        batches(census, 3, caption=lambda caption: "seven.")


@pytest.mark.parametrize(
    ("settings", "match"), [({"group_size": 0}, "group_size"), ({"group_size": 2, "rank": 2}, "rank")]
)
def test_settings_out_of_range_are_refused(shards, settings, match):
    with pytest.raises(SettingError, match=match):
        batches(take_census(shards), **settings)


def test_truncated_shards_keep_their_groups(tmp_path):
    path = write_pairs(tmp_path / "0.tar", range(30))
    whole = path.read_bytes()
    rng = random.Random(5)
    for _ in range(20):
        path.write_bytes(whole[: rng.randrange(4000, len(whole))])
        census = take_census(str(path))
        joint = [b for r in range(2) for b in batches(census, 4, r, 2)]
        assert_same(by_group(batches(census, 4)), by_group(joint))
        assert sum(len(b["key"]) + sum(b["skipped"].values()) for b in joint) == census.samples


def test_decoding_is_only_done_for_own_samples(shards, monkeypatch):
    census = take_census(shards)
    decoded = []

    def counting(image):
        decoded.append(1)
        return to_tensor(image)

    pairs = GroupedPairs(census, 7, counting, tokenize, "retain", rank=1, world_size=4)
    kept = sum(len(b["key"]) for b in pairs)
    assert kept == len(decoded) == 14  # groups 1 and 5


def test_large_pictures_are_counted(tmp_path):
    path = write_tar(tmp_path / "0.tar", [("x.jpg", picture(1, (40, 40))), ("x.txt", b"seven")])
    (batch,) = batches(take_census(str(path)), 4, max_pixels=1_599)
    assert batch["skipped"] == {"too_large": 1}
    assert batch["image"].shape == (0, 3, 4, 4)


@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_samples_of_a_shard_that_disappears_are_counted_as_lost(tmp_path, world_size):
    for i in range(3):
        write_pairs(tmp_path / f"{i}.tar", range(i * 9, i * 9 + 9))
    census = take_census(str(tmp_path / "*.tar"))
    (tmp_path / "1.tar").unlink()
    found = [b for r in range(world_size) for b in batches(census, 4, r, world_size, missing="skip")]
    keys = sorted(key for b in found for key in b["key"])
    assert keys == [f"{i:09d}" for i in (*range(9), *range(18, 27))]
    assert sum(b["skipped"].get("lost", 0) for b in found) == 9
    with pytest.raises(BadDataError, match="has changed or disappeared"):
        batches(census, 4)
