import os
import re
import shutil

import pytest
import torch

from slug_lightning.cli.lightning import build
from slug_lightning.data.captions import names_concept
from slug_lightning.data.shards import iter_pairs
from slug_lightning.errors import BadDataError, ConceptNotFoundError, DataNotFoundError, SettingError
from slug_lightning.unlearning.gradients import ROLES
from tests.helpers import words


def prepared(world, out, *more):
    cli = build(words(world, out, *more, command=""), run=False)
    module, data, trainer = cli.model, cli.datamodule, cli.trainer
    trainer.strategy.connect(module)
    data.trainer = trainer
    data.setup("fit")
    return data


def test_each_pair_once_forget_first_and_the_concept_left_out_of_retain(tiny_world, tmp_path):
    data = prepared(tiny_world, tmp_path)
    keys = {"forget": [], "retain": []}
    roles = []
    for batch in data.train_dataloader():
        keys[batch["role"]] += batch["key"]
        roles.append(batch["role"])
    assert roles == sorted(roles)
    retained = [p for p in iter_pairs(str(tiny_world / "laion" / "*.tar"))]
    expected = [p.key for p in retained if not names_concept(p.caption, "seven")]
    assert keys["retain"] == expected
    assert len(expected) < len(retained)
    assert keys["forget"] == [p.key for p in iter_pairs(str(tiny_world / "forget" / "seven" / "*.tar"))]


def test_a_sample_of_the_pairs_is_part_of_all_of_them_and_has_a_key_of_its_own(tiny_world, tmp_path):
    settings, keys = [], []
    for more in ((), ("0",), ("1",)):
        sample = ("--data.retain_sample", "100", "--data.forget_sample", "8", "--data.sample_seed", *more)
        data = prepared(tiny_world, tmp_path, *(sample if more else ()))
        settings.append([data.pair_settings(role) for role in ROLES])
        found = list(data.train_dataloader())
        keys.append({role: [k for b in found if b["role"] == role for k in b["key"]] for role in ROLES})
        if more:
            assert data.groups == {"forget": 1, "retain": 2}
            assert len(keys[-1]["forget"]) == 8
            excluded = sum(b["skipped"].get("excluded", 0) for b in found)
            assert len(keys[-1]["retain"]) + excluded == 100
            data.check_skipped("retain", {"excluded": excluded}, 100 - excluded)  # nothing else was asked for
    for role in ROLES:
        assert set(keys[1][role]) < set(keys[0][role])
        assert keys[1][role] != keys[2][role]
    assert settings[0] != settings[1] != settings[2] != settings[0]


@pytest.mark.parametrize("setting", ["retain_sample", "forget_sample"])
def test_an_empty_sample_is_refused(tiny_world, tmp_path, setting):
    with pytest.raises(SettingError, match="at least 1 pair"):
        prepared(tiny_world, tmp_path, f"--data.{setting}", "0")


def test_what_a_regex_finds_is_left_out_of_retain_as_in_curation(tiny_world, tmp_path):
    data = prepared(tiny_world, tmp_path, "--data.concept_regex", "(new in the )?shop|studio")
    keys = [key for batch in data.train_dataloader() if batch["role"] == "retain" for key in batch["key"]]
    retained = list(iter_pairs(str(tiny_world / "laion" / "*.tar")))
    plain = [p.key for p in retained if not names_concept(p.caption, "seven")]
    assert keys == [p.key for p in retained if not names_concept(p.caption, "seven", "shop|studio")]
    assert len(keys) < len(plain)
    assert "(new in the )?shop|studio" in data.pair_settings("retain")["captions"]


def test_a_regex_that_is_none_is_refused_before_a_model_is_loaded(tiny_world, tmp_path):
    with pytest.raises(SettingError, match="Expected a regular expression"):
        prepared(tiny_world, tmp_path, "--data.concept_regex", "(")


def test_captions_of_the_retain_pairs_are_their_own(tiny_world, tmp_path):
    data = prepared(tiny_world, tmp_path, "--data.forget_caption", "{}.")
    texts = {"forget": set(), "retain": set()}
    for batch in data.train_dataloader():
        texts[batch["role"]] |= {tuple(row) for row in batch["text"].tolist()}
    assert len(texts["forget"]) == 1  # the template
    assert len(texts["retain"]) > 20


def test_search_and_final_images_are_disjoint_and_exclude_the_concept_where_they_should(tiny_world, tmp_path):
    data = prepared(tiny_world, tmp_path)
    keys = {name: {e.key for e in images.entries} for name, images in data.sets.items()}
    for dataset in ("forget", "identities", "imagenet"):
        assert keys["search", dataset]
        assert keys["final", dataset]
        assert not keys["search", dataset] & keys["final", dataset]
    for split in ("search", "final"):
        assert not keys[split, "forget"] & keys[split, "identities"]
        assert {e.label for e in data.sets[split, "forget"].entries} == {data.concept_label}


def test_prompts_cover_all_names(tiny_world, tmp_path):
    prompts = prepared(tiny_world, tmp_path).prompts()
    assert len(prompts["identities"]) == 10
    assert ["seven."] in prompts["identities"]
    assert all(row[0].startswith("a photo of a ") for row in prompts["imagenet"])


def test_everything_missing_is_named_in_one_error(tmp_path):
    with pytest.raises(DataNotFoundError) as caught:
        prepared(tmp_path, tmp_path)
    sentence = str(caught.value)
    for part in ("forget/seven", "laion", "celeba", "ImageNet"):
        assert part in sentence


def test_unknown_concept_is_refused_with_near_misses(tiny_world, tmp_path):
    with pytest.raises(ConceptNotFoundError, match="'seven'"):
        prepared(tiny_world, tmp_path, "--data.concept", "sevn", "--data.forget_shards", "laion/*.tar")


def test_too_many_bad_pairs_stop_the_run_with_their_counts(tiny_world, tmp_path):
    data = prepared(tiny_world, tmp_path)
    data.check_skipped("retain", {"broken_image": 5, "excluded": 500}, 95)
    with pytest.raises(
        BadDataError, match=re.escape("11 of 100 retain pairs could not be used (11 broken_image)")
    ):
        data.check_skipped("retain", {"broken_image": 11, "excluded": 500}, 89)


def test_a_truncated_shard_counts_as_bad_pairs(tiny_world, tmp_path):
    world = tmp_path / "world"
    shutil.copytree(tiny_world, world)
    shard = next(iter(sorted((world / "laion").glob("*.tar"))))
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 3])
    data = prepared(world, tmp_path)
    assert data.census["retain"].missing > 0
    with pytest.raises(BadDataError, match="missing"):
        data.check_skipped("retain", {}, data.census["retain"].samples)
    with pytest.raises(BadDataError, match="truncated"):
        prepared(world, tmp_path, "--data.incomplete_shards", "refuse")


def test_digest_changes_with_the_data(tiny_world, tmp_path):
    one = prepared(tiny_world, tmp_path)
    other = prepared(tiny_world, tmp_path, "--data.concept", "three")
    assert one.digest == prepared(tiny_world, tmp_path).digest
    assert one.digest != other.digest


def test_samples_can_be_shown(tiny_world, tmp_path):
    samples = prepared(tiny_world, tmp_path).samples(3)
    assert [s.dataset for s in samples] == ["forget"] * 3 + ["identities"] * 3 + ["imagenet"] * 3
    assert all(s.picture.startswith("data:image/png;base64,") for s in samples)
    assert all(torch.isfinite(s.image).all() for s in samples)


def test_bad_settings_are_refused(tiny_world, tmp_path):
    from slug_lightning.data.unlearning import UnlearningDataModule

    with pytest.raises(SettingError, match=r"data\.concept"):
        UnlearningDataModule(" ", "a.tar", "b.tar")
    with pytest.raises(SettingError, match="max_bad_share"):
        UnlearningDataModule("x", "a.tar", "b.tar", max_bad_share=1.5)


OTHERS = [
    ["--data.concept", "three"],
    ["--data.aliases", "[lucky]"],
    ["--data.forget_caption", "{}."],
    ["--data.group_size", "9"],
    ["--data.forget_batch_size", "9"],
    ["--data.retain_limit", "300"],
    ["--data.retain_shards", "laion/00000.tar"],
    ["--data.max_pixels", "100"],
]


@pytest.mark.parametrize("other", OTHERS)
def test_settings_that_decide_on_the_pairs_are_told_apart(tiny_world, tmp_path, other):
    one, two = prepared(tiny_world, tmp_path), prepared(tiny_world, tmp_path, *other)
    assert [one.pair_settings(role) for role in ROLES] != [two.pair_settings(role) for role in ROLES]


@pytest.mark.parametrize("same", [["--data.groups_per_batch", "4"], ["--data.eval_batch_size", "7"], []])
def test_settings_that_do_not_are_not(tiny_world, tmp_path, same):
    for role in ROLES:
        settings = prepared(tiny_world, tmp_path, *same).pair_settings(role)
        assert settings == prepared(tiny_world, tmp_path).pair_settings(role)
        assert "0x" not in settings["preprocess"], "addresses differ from run to run"


def test_concepts_of_one_request_have_the_same_retain_pairs(tiny_world, tmp_path):
    seven = prepared(tiny_world, tmp_path, "--data.others", "[three]")
    three = prepared(tiny_world, tmp_path, "--data.concept", "three", "--data.others", "[seven]")
    assert seven.pair_settings("retain") == three.pair_settings("retain")
    assert seven.pair_settings("forget") != three.pair_settings("forget")
    assert seven.pair_settings("retain") != prepared(tiny_world, tmp_path).pair_settings("retain")


def test_a_census_can_be_remembered(tiny_world, tmp_path):
    world = tmp_path / "world"
    shutil.copytree(tiny_world, world)
    for path in world.rglob("*.tar"):
        os.utime(path, (0, 0))
    first = prepared(world, tmp_path, "--data.census_cache", "counts")
    assert len(list((world / "counts").glob("*.json"))) == sum(len(c.shards) for c in first.census.values())
    second = prepared(world, tmp_path, "--data.census_cache", "counts")
    assert second.census == first.census == prepared(world, tmp_path).census


def test_celeba_s_official_numbers_serve_with_a_list_of_names(tiny_world, tmp_path):
    world = tmp_path / "world"
    shutil.copytree(tiny_world, world)
    named = world / "celeba" / "list_identity_celeba.txt"
    people = [line.split() for line in named.read_text().splitlines()[2:]]
    numbers = {name: str(1000 + i) for i, name in enumerate(dict(people).values())}
    official = world / "celeba" / "identity_CelebA.txt"
    official.write_text("".join(f"{image} {numbers[name]}\n" for image, name in people))
    named.unlink()
    with pytest.raises(SettingError, match=r"only numbers, .* set identities\.names"):
        prepared(world, tmp_path)
    (world / "names.txt").write_text("".join(f"{number} {name}\n" for name, number in numbers.items()))
    found = prepared(world, tmp_path, "--data.identities.names", "names.txt")
    expected = prepared(tiny_world, tmp_path)
    assert found.class_names("identities") == expected.class_names("identities")
    for part, images in expected.sets.items():
        assert [(e.key, e.label) for e in found.sets[part].entries] == [
            (e.key, e.label) for e in images.entries
        ]
