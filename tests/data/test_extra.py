from pathlib import Path

import pytest
import torch

from slug_lightning.data.extra import check_names, open_extra
from slug_lightning.data.settings import ExtraSettings
from slug_lightning.errors import BadDataError, SettingError
from tests.data.tars import picture
from tests.wds_set import write_set


def to_tensor(image):
    return torch.zeros(3, 2, 2)


@pytest.fixture
def folder(tmp_path):
    images = []
    for number in range(60):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(picture(number))
        images.append((path, number % 3))
    write_set(images, ["chalk", "neon", "ink"], tmp_path / "styles", per_shard=25)
    return tmp_path


def opened(folder, **settings):
    settings = ExtraSettings("styles", Path("styles"), **settings)
    return open_extra(settings, folder.joinpath, to_tensor, search_share=0.3, seed=0, max_pixels=10**6)


def keys(images):
    return [entry.key for entry in images.entries]


def test_a_set_that_the_search_does_not_see_keeps_all_its_images_for_the_figures(folder):
    found = opened(folder)
    assert set(found.splits) == {"final"}
    assert len(found.splits["final"]) == 60
    assert found.templates == ("a photo of a {}.", "a {} of a number.")


def test_a_searched_set_is_split_and_both_sides_cover_it(folder):
    splits = opened(folder, search=True).splits
    search, final = set(keys(splits["search"])), set(keys(splits["final"]))
    assert not search & final
    assert len(search | final) == 60
    assert 5 < len(search) < 30


def test_samples_are_balanced_and_of_the_given_size(folder):
    splits = opened(folder, search=True, search_images=3, final_images=12).splits
    assert [splits["search"].labels, len(splits["search"])] == [(0, 1, 2), 3]
    assert [sum(e.label == n for e in splits["final"].entries) for n in range(3)] == [4, 4, 4]


def test_a_partition_splits_by_shard_and_key(folder):
    (folder / "p.txt").write_text("test/0.tar/s0000003 1\ntest/2.tar/s0000055 2\n")
    splits = opened(folder, search=True, partition=Path("p.txt")).splits
    assert {split: keys(images) for split, images in splits.items()} == {
        "search": ["test/0.tar/s0000003"],
        "final": ["test/2.tar/s0000055"],
    }
    (folder / "p.txt").write_text("test/0.tar/s0000003 1\n")
    with pytest.raises(BadDataError, match="Expected final images in .* but found none among 60"):
        opened(folder, search=True, partition=Path("p.txt"))


def test_templates_can_be_one_s_own_and_must_be_somewhere(folder):
    assert opened(folder, templates="photo").templates == ("a photo of a {}.",)
    (folder / "styles" / "zeroshot_classification_templates.txt").unlink()
    assert opened(folder, templates=["{}!"]).templates == ("{}!",)
    with pytest.raises(
        SettingError, match=r"has no zeroshot_classification_templates\.txt; set data\.extra\.t"
    ):
        opened(folder)


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["a/b"], r"Expected letters, digits, .* but got 'a/b'"),
        ([""], r"but got ''"),
        (["imagenet"], r"'imagenet' is taken"),
        (["birds", "birds"], r"'birds' is taken; choose another"),
    ],
)
def test_names_that_figures_cannot_have_are_refused(names, match):
    with pytest.raises(SettingError, match=match):
        check_names([ExtraSettings(name, Path("x")) for name in names])
