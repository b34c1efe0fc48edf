import gzip

import pytest

from slug_lightning.data.shards import expand_shards, iter_pairs
from slug_lightning.errors import DataNotFoundError, SettingError
from tests.data.tars import write_pairs


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


def test_a_folder_is_refused_with_the_pattern_of_its_shards(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"is a folder; name its shards: '.*/\*\.tar'"):
        expand_shards(str(tmp_path))


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
