import pytest

from slug_lightning.data.partition import Partition, hashed
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError

NAMES = [f"{i:06d}.jpg" for i in range(4000)]


def test_a_list_gives_one_to_search_two_to_final_and_the_rest_to_neither(tmp_path):
    path = tmp_path / "partition.txt"
    path.write_text("a.jpg 1\nfolder/b c.JPEG 2\r\nd.jpg  0\n\n")
    partition = Partition.read(path)
    found = [partition.split_of(name) for name in ("a.jpg", "folder/b c.JPEG", "d.jpg", "e.jpg")]
    assert found == ["search", "final", None, None]


def test_the_hash_splits_by_share_and_seed():
    search = {n for n in NAMES if Partition(0.2, seed=0).split_of(n) == "search"}
    final = {n for n in NAMES if Partition(0.2, seed=0).split_of(n) == "final"}
    assert search | final == set(NAMES)
    assert not search & final
    assert abs(len(search) / len(NAMES) - 0.2) < 0.02
    assert search != {n for n in NAMES if Partition(0.2, seed=1).split_of(n) == "search"}


def test_a_larger_share_moves_images_one_way_only():
    few = {n for n in NAMES if Partition(0.2).split_of(n) == "search"}
    many = {n for n in NAMES if Partition(0.4).split_of(n) == "search"}
    assert few < many


def test_the_hash_is_the_same_everywhere():
    # the start of: printf 0:000001.jpg | sha256sum
    assert hashed("000001.jpg", 0) == 0xCB5CB5410A95 / 2**48


@pytest.mark.parametrize(
    "text", ["a.jpg 3", "a.jpg", "1", "a.jpg1", "a.jpg 1\na.jpg 2", "image_id,partition"]
)
def test_other_formats_are_refused(tmp_path, text):
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(BadDataError, match="Expected 'name 0', 'name 1' or 'name 2', once a name, but line"):
        Partition.read(tmp_path / "p.txt")


def test_a_missing_list_and_an_empty_share_are_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match="is missing; leave the setting out"):
        Partition.read(tmp_path / "p.txt")
    (tmp_path / "p.txt").write_bytes(b"caf\xe9.jpg 1")
    with pytest.raises(BadDataError, match="UTF-8"):
        Partition.read(tmp_path / "p.txt")
    for share in (0, 1, -0.5):
        with pytest.raises(SettingError, match="share"):
            Partition(share)
