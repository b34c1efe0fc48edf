import gzip
import os

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
    pattern = str(tmp_path / "{00000..00002}.tar")
    with pytest.raises(
        DataNotFoundError, match=r"Shard '.*00001\.tar' of '.*\.tar' is missing.*missing_shards"
    ):
        expand_shards(pattern)
    assert [path[-9:] for path in expand_shards(pattern, "skip")] == ["00000.tar", "00001.tar", "00002.tar"]


def test_many_missing_shards_are_counted_and_the_first_three_named(tmp_path):
    write_pairs(tmp_path / "00000.tar", range(1))
    with pytest.raises(DataNotFoundError) as caught:
        expand_shards(str(tmp_path / "{00000..09539}.tar"))
    said = str(caught.value)
    assert said.startswith(
        f"Expected 9,540 shards of '{tmp_path}/{{00000..09539}}.tar' but 9,539 are missing: "
    )
    assert said.count(".tar'") == 4
    assert "00003.tar' and 9,536 more. " in said


def test_where_there_is_no_shard_at_all_nothing_is_skipped(tmp_path):
    for pattern in ("{0..3}.tar", "*.tar", "0.tar"):
        with pytest.raises(DataNotFoundError):
            expand_shards(str(tmp_path / pattern), "skip")


def test_links_to_nothing_and_pipes_are_missing_shards_and_are_never_opened(tmp_path):
    write_pairs(tmp_path / "0.tar", range(1))
    (tmp_path / "1.tar").symlink_to(tmp_path / "nowhere.tar")
    os.mkfifo(tmp_path / "2.tar")
    (tmp_path / "3.tar").mkdir()  # an unpacked shard, perhaps; not meant
    with pytest.raises(
        DataNotFoundError, match=r"Expected 3 shards .* but 2 are missing: '.*1\.tar', '.*2\.tar'"
    ):
        expand_shards(str(tmp_path / "*.tar"))
    assert len(expand_shards(str(tmp_path / "*.tar"), "skip")) == 3


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
