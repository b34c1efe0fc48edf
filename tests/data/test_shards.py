import gzip
import tarfile

import pytest

from slug_lightning.data.census import count_shard
from slug_lightning.data.members import ShardReader
from slug_lightning.data.samples import iter_samples
from slug_lightning.data.shards import expand_shards, iter_pairs
from slug_lightning.errors import DataNotFoundError, SettingError
from tests.data.tars import pair, picture, png_header, write_pairs, write_tar


def test_braces_globs_and_plain_paths_give_the_same_shards_in_order(tmp_path):
    for i in range(12):
        write_pairs(tmp_path / f"{i:05d}.tar", range(1))
    named = [str(tmp_path / f"{i:05d}.tar") for i in range(12)]
    assert expand_shards(str(tmp_path / "{00000..00011}.tar")) == named
    assert expand_shards(str(tmp_path / "*.tar")) == named
    assert expand_shards(named) == named
    assert expand_shards([str(tmp_path / "*.tar"), named[3]]) == named


def test_urls_and_pipes_pass_through():
    assert expand_shards("pipe:cat x.tar") == ["pipe:cat x.tar"]
    assert expand_shards("s3://bucket/{0..1}.tar") == ["s3://bucket/0.tar", "s3://bucket/1.tar"]


def test_what_matches_nothing_is_named(tmp_path):
    with pytest.raises(
        DataNotFoundError, match=r"No shard matches '.*nowhere\*\.tar'\. Create one with: slug curate"
    ):
        expand_shards(str(tmp_path / "nowhere*.tar"))


def test_a_missing_shard_of_a_range_is_named(tmp_path):
    write_pairs(tmp_path / "00000.tar", range(1))
    write_pairs(tmp_path / "00002.tar", range(1))
    with pytest.raises(DataNotFoundError, match=r"Shard '.*00001\.tar' of '.*\.tar' is missing"):
        expand_shards(str(tmp_path / "{00000..00002}.tar"))


def test_no_shard_at_all_and_unbalanced_braces_are_refused():
    with pytest.raises(SettingError, match="at least one shard"):
        expand_shards([])
    with pytest.raises(SettingError, match="balanced braces"):
        expand_shards("data/{0..3.tar")


def test_file_names_with_glob_characters_are_taken_literally_when_they_exist(tmp_path):
    path = write_pairs(tmp_path / "a[1].tar", range(1))
    assert expand_shards(str(path)) == [str(path)]


def test_pairs_come_in_shard_order_with_their_captions(tmp_path):
    write_pairs(tmp_path / "0.tar", range(0, 5))
    write_pairs(tmp_path / "1.tar", range(5, 7))
    pairs = list(iter_pairs(str(tmp_path / "{0..1}.tar")))
    assert [p.key for p in pairs] == [f"{i:09d}" for i in range(7)]
    assert [p.caption for p in pairs] == [f"a seven, number {i}" for i in range(7)]
    assert {p.image.mode for p in pairs} == {"RGB"}


def test_pipes_and_compressed_tars_give_the_same_pairs(tmp_path):
    path = write_pairs(tmp_path / "0.tar", range(9))
    (tmp_path / "0.tar.gz").write_bytes(gzip.compress(path.read_bytes()))
    plain = [(p.key, p.caption, p.image.tobytes()) for p in iter_pairs(str(path))]
    for other in (f"pipe:cat {path}", str(tmp_path / "0.tar.gz")):
        assert [(p.key, p.caption, p.image.tobytes()) for p in iter_pairs(other)] == plain


BAD = {
    "not_an_image": [("x.jpg", b"<html>not found</html>"), ("x.txt", b"seven")],
    "broken_image": [("x.jpg", picture(1, (200, 200))[:-300]), ("x.txt", b"seven")],
    "too_large": [("x.png", png_header(60_000, 60_000)), ("x.txt", b"seven")],
    "absurd_shape": [("x.png", picture(1, (1, 600), "PNG")), ("x.txt", b"seven")],
    "no_image": [("x.txt", b"seven")],
    "no_caption": [("x.jpg", picture(1))],
    "bad_caption": [("x.jpg", picture(1)), ("x.txt", b"caf\xe9")],
    "unsafe_name": [("../x.jpg", picture(1)), ("../x.txt", b"seven")],
    "duplicate_member": [("x.jpg", picture(1)), ("x.txt", b"one"), ("x.jpg", picture(2)), ("x.txt", b"two")],
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_sample_is_skipped_counted_and_the_rest_is_kept(tmp_path, reason):
    path = write_tar(tmp_path / "0.tar", pair(1) + BAD[reason] + pair(2))
    skipped = {}
    assert [p.key for p in iter_pairs(str(path), skipped)] == ["000000001", "000000002"]
    assert skipped == {reason: 1}


def test_an_empty_caption_is_no_caption(tmp_path):
    path = write_tar(tmp_path / "0.tar", [("x.jpg", picture(1)), ("x.txt", b" \n\t")])
    skipped = {}
    assert not list(iter_pairs(str(path), skipped))
    assert skipped == {"no_caption": 1}


@pytest.mark.parametrize("name", ["/etc/x", "a/../../x", "a\\..\\x", "C:\\x", "C:/x"])
def test_names_that_point_elsewhere_are_unsafe(tmp_path, name):
    path = write_tar(tmp_path / "0.tar", [(f"{name}.jpg", picture(1)), (f"{name}.txt", b"seven")])
    skipped = {}
    assert not list(iter_pairs(str(path), skipped))
    assert skipped == {"unsafe_name": 1}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
@pytest.mark.parametrize("opened", ["{}", "pipe:cat {}"])
def test_links_and_devices_are_unsafe_and_never_followed(tmp_path, kind, opened):
    (tmp_path / "secret.txt").write_text("secret")
    with tarfile.open(write_tar(tmp_path / "0.tar", pair(1)[:1]), "a") as tar:
        info = tarfile.TarInfo("000000001.txt")
        info.type, info.linkname = kind, str(tmp_path / "secret.txt")
        tar.addfile(info)
    skipped = {}
    assert not list(iter_pairs(opened.format(tmp_path / "0.tar"), skipped))
    assert skipped == {"unsafe_name": 1}


def test_folders_webdataset_marks_and_names_without_suffix_are_no_samples(tmp_path):
    members = [("__meta__.txt", b"x"), ("README", b"x"), *pair(3, "./folder/three"), ("x.__bad__", b"1")]
    path = write_tar(tmp_path / "0.tar", members)
    skipped = {}
    assert [p.key for p in iter_pairs(str(path), skipped)] == ["./folder/three"]
    assert skipped == {}


def test_a_lying_size_reads_nothing(tmp_path):
    path = tmp_path / "0.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("000000000.jpg")
        info.size = 1 << 40
        tar.fileobj.write(info.tobuf(tarfile.GNU_FORMAT) + picture(1))
    for shard in (str(path), f"pipe:cat {path}"):
        with ShardReader(shard) as reader:
            assert [list(s.members) for s in iter_samples(reader)] == [["jpg"]]


def test_a_pipe_whose_command_fails_gives_what_came(tmp_path):
    path = write_pairs(tmp_path / "0.tar", range(4))
    path.write_bytes(path.read_bytes()[: 512 * 16])  # two pairs of seven blocks, and two blocks
    command = f"pipe:cat {path}; exit 3"
    skipped = {}
    assert len(list(iter_pairs(command, skipped))) == 2
    assert skipped == {"no_caption": 1}
    assert count_shard(command).problem == "0.tar; exit 3 is truncated after 3 samples."
