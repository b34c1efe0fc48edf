import gzip

import pytest
import torch

from slug_lightning.data.wds import WebDatasetImages
from slug_lightning.errors import BadDataError, DataNotFoundError
from tests.data.tars import picture, write_tar

NAMES = ["chalk drawing", "neon sign", "größer"]


def to_tensor(image):
    return torch.tensor(image.getpixel((0, 0)), dtype=torch.float32)[:, None, None]


def sample(number, label, suffix="webp"):
    kind = {"jpg": "JPEG", "jpeg": "JPEG"}.get(suffix, suffix.upper())
    return [
        (f"s{number:07d}.cls", str(label).encode()),
        (f"s{number:07d}.{suffix}", picture(number, kind=kind)),
    ]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "classnames.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    (tmp_path / "zeroshot_classification_templates.txt").write_text("a photo of a {c}.\n{c} in {{braces}}.\n")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "nshards.txt").write_text("2\n")
    suffixes = ("webp", "png", "jpg", "jpeg")
    for shard in range(2):
        numbers = range(10 * shard, 10 * shard + 10)
        members = [m for n in numbers for m in sample(n, n % 3, suffixes[n % 4])]
        write_tar(tmp_path / "test" / f"{shard}.tar", members)
    return tmp_path


def test_images_labels_names_and_templates_are_the_set_s(root):
    images = WebDatasetImages(root, to_tensor)
    assert images.names == tuple(NAMES)
    assert images.templates == ("a photo of a {}.", "{} in {braces}.")
    assert [e.label for e in images.entries] == [n % 3 for n in range(20)]
    assert images.entries[0].key == "test/0.tar/s0000000"
    assert len({e.key for e in images.entries}) == 20
    for number in (19, 3, 0, 10):  # in any order
        red = float(images[number]["image"][0, 0, 0])
        assert abs(red - number) < 8  # JPEG and WebP are not exact


def test_another_part_has_its_own_shards(root):
    (root / "train").mkdir()
    (root / "train" / "nshards.txt").write_text("1")
    write_tar(root / "train" / "0.tar", sample(7, 2))
    images = WebDatasetImages(root, to_tensor, part="train")
    assert [e.key for e in images.entries] == ["train/0.tar/s0000007"]


def test_a_class_may_have_an_empty_name(root):
    """As in wds_vtab-clevr_closest_object_distance; dropping the line would move all later classes."""
    (root / "classnames.txt").write_text("near\n\ndistant\n")
    assert WebDatasetImages(root, to_tensor).names == ("near", "", "distant")


def test_without_templates_there_are_none(root):
    (root / "zeroshot_classification_templates.txt").unlink()
    assert WebDatasetImages(root, to_tensor).templates == ()


def test_a_broken_image_is_counted_and_a_tar_that_disappears_too(root):
    write_tar(root / "test" / "1.tar", [("s1.cls", b"1"), ("s1.png", b"no"), *sample(12, 2)])
    images = WebDatasetImages(root, to_tensor)
    assert images[10] == {"label": 1, "key": "test/1.tar/s1", "skipped": "not_an_image"}
    (root / "test" / "1.tar").unlink()
    assert images[11]["skipped"] == "no_image"
    (root / "test" / "1.tar").write_bytes(b"")
    assert images[11]["skipped"] == "no_image"


@pytest.mark.parametrize(
    ("name", "text", "error", "match"),
    [
        ("classnames.txt", "chalk\n", BadDataError, r"at least two classes in .* but got 1"),
        (
            "classnames.txt",
            "chalk\nneon\n",
            BadDataError,
            r"class, 0 to 1, but 's0000002' has .* and class 2",
        ),
        ("zeroshot_classification_templates.txt", "a {}.\n", BadDataError, r"'\{c\}' for the name .* line 1"),
        ("zeroshot_classification_templates.txt", "a {c\n", BadDataError, r"line 1 of '.*' is 'a \{c'"),
        ("zeroshot_classification_templates.txt", "a {x}\n", BadDataError, r"line 1 of '.*' is 'a \{x\}'"),
        ("dataset_type.txt", "retrieval\n", BadDataError, r"one class each, but '.*' says 'retrieval'"),
        ("dataset_type.txt", "multilabel\n", BadDataError, r"one class each, but '.*' says 'multilabel'"),
        ("test/nshards.txt", "many\n", BadDataError, r"number of shards in '.*' but got 'many'"),
        ("test/nshards.txt", "0\n", BadDataError, r"number of shards in '.*' but got '0'"),
        (
            "test/nshards.txt",
            "5\n",
            DataNotFoundError,
            r"3 of 5 shards in .* missing, first \['2.tar', '3.tar'",
        ),
    ],
)
def test_what_is_not_the_layout_is_refused_by_name(root, name, text, error, match):
    (root / name).write_text(text)
    with pytest.raises(error, match=match):
        WebDatasetImages(root, to_tensor)


@pytest.mark.parametrize("name", ["classnames.txt", "test/nshards.txt"])
def test_a_missing_list_says_how_to_get_a_set(root, name):
    (root / name).unlink()
    with pytest.raises(
        DataNotFoundError, match=rf"{name}' is missing; download the whole set, e\.g\. hf down"
    ):
        WebDatasetImages(root, to_tensor)


@pytest.mark.parametrize(
    ("members", "match"),
    [
        (
            [("s1.webp", picture(1, kind="WEBP"))],
            r"beside a \.cls with its class, 0 to 2, but 's1' has \['webp'\]",
        ),
        ([("s1.cls", b"1")], r"'s1' has \['cls'\] and class 1"),
        ([("s1.cls", b"-1"), ("s1.png", picture(1, kind="PNG"))], r"'s1' has \['cls', 'png'\]"),
        ([], "found none"),
    ],
)
def test_images_without_a_class_are_refused(root, members, match):
    (root / "test" / "nshards.txt").write_text("1")
    write_tar(root / "test" / "0.tar", members)
    with pytest.raises(BadDataError, match=match):
        WebDatasetImages(root, to_tensor)


def test_cut_and_compressed_tars_are_refused(root):
    shard = root / "test" / "1.tar"
    data = shard.read_bytes()
    shard.write_bytes(data[:6000])
    with pytest.raises(BadDataError, match=r"1\.tar' is truncated after \d+ images; download it again"):
        WebDatasetImages(root, to_tensor)
    shard.write_bytes(gzip.compress(data))
    with pytest.raises(BadDataError, match="is compressed; unpack it"):
        WebDatasetImages(root, to_tensor)
