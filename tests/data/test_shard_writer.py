import hashlib
import io
import json
import tarfile

import pyarrow.parquet as pq
import pytest
from PIL import Image

from slug_lightning.data.shard_writer import ShardWriter
from slug_lightning.errors import BadDataError, SettingError
from tests.shard_reading import read_shards


def png(shade=0, size=(6, 4)):
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(buffer, "PNG")
    return buffer.getvalue()


def write(folder, pairs=5, lost=(2,), pairs_per_shard=3):
    with ShardWriter(folder, pairs_per_shard) as writer:
        for number in range(pairs):
            if number in lost:
                writer.add_failure(f"caption {number}", f"https://example.com/{number}", "HTTP Error 404")
            else:
                writer.add(png(number), "png", f"caption {number}", f"https://example.com/{number}")
    return writer


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_shards_are_named_and_keyed_as_by_img2dataset(tmp_path):
    writer = write(tmp_path)
    assert writer.pairs == 4
    assert names(tmp_path) == [
        f"{shard}{end}" for shard in ("00000", "00001") for end in (".parquet", ".tar", "_stats.json")
    ]
    with tarfile.open(tmp_path / "00001.tar") as tar:
        assert tar.getnames() == [f"00001000{n}.{end}" for n in (0, 1) for end in ("png", "json", "txt")]


def test_webdataset_reads_back_what_was_written(tmp_path):
    write(tmp_path)
    samples = read_shards(tmp_path / "{00000..00001}.tar")
    assert [sample["__key__"] for sample in samples] == ["000000000", "000000001", "000010000", "000010001"]
    assert [sample["txt"].decode() for sample in samples] == [f"caption {n}" for n in (0, 1, 3, 4)]
    assert [sample["png"] for sample in samples] == [png(n) for n in (0, 1, 3, 4)]
    meta = json.loads(samples[2]["json"])
    assert meta["key"] == samples[2]["__key__"]
    assert meta["sha256"] == hashlib.sha256(samples[2]["png"]).hexdigest()


def test_table_and_stats_count_failures_too(tmp_path):
    write(tmp_path)
    table = pq.read_table(tmp_path / "00000.parquet").to_pylist()
    assert [row["status"] for row in table] == ["success", "success", "failed_to_download"]
    assert list(table[0]) == [
        *("key", "caption", "url", "status", "error_message"),
        *("width", "height", "original_width", "original_height", "exif", "sha256"),
    ]
    assert (table[0]["width"], table[0]["height"], table[2]["width"]) == (6, 4, None)
    stats = json.loads((tmp_path / "00000_stats.json").read_text())
    assert (stats["count"], stats["successes"], stats["failed_to_download"]) == (3, 2, 1)
    assert stats["status_dict"] == {"success": 2, "HTTP Error 404": 1}


def test_original_size_is_kept_when_given(tmp_path):
    with ShardWriter(tmp_path) as writer:
        writer.add(png(), "png", "a", original_size=(640, 480))
    (row,) = pq.read_table(tmp_path / "00000.parquet").to_pylist()
    assert (row["original_width"], row["original_height"], row["width"]) == (640, 480, 6)


def test_equal_pairs_give_equal_bytes(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b")
    for name in names(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_error_drops_the_unfinished_shard_and_keeps_the_complete_ones(tmp_path):
    with pytest.raises(RuntimeError, match="stop"), ShardWriter(tmp_path, 2) as writer:
        for number in range(3):
            writer.add(png(number), "png", "a")
        raise RuntimeError("stop")
    assert names(tmp_path) == ["00000.parquet", "00000.tar", "00000_stats.json"]


def test_a_bad_image_is_refused_before_anything_is_written(tmp_path):
    with ShardWriter(tmp_path) as writer, pytest.raises(BadDataError, match="Expected an encoded image"):
        writer.add(b"no image", "jpg", "a")
    assert names(tmp_path) == []


def test_no_pairs_no_shard(tmp_path):
    with ShardWriter(tmp_path):
        pass
    assert names(tmp_path) == []


def test_a_folder_with_shards_is_refused(tmp_path):
    write(tmp_path)
    with pytest.raises(BadDataError, match=r"Expected a folder without shards, but .*00000\.tar and 1 more"):
        ShardWriter(tmp_path)


def test_an_unknown_extension_is_refused(tmp_path):
    with ShardWriter(tmp_path) as writer, pytest.raises(SettingError, match="'tiff'"):
        writer.add(png(), "tiff", "a")


@pytest.mark.parametrize("count", [0, 10_001])
def test_a_shard_size_that_keys_cannot_number_is_refused(tmp_path, count):
    with pytest.raises(SettingError, match="pairs_per_shard"):
        ShardWriter(tmp_path, count)


def test_a_caption_that_is_no_text_leaves_nothing_of_its_pair(tmp_path):
    with ShardWriter(tmp_path) as writer:
        with pytest.raises(UnicodeEncodeError):
            writer.add(png(1), "png", "\ud800")
        writer.add(png(2), "png", "a")
    (sample,) = read_shards(tmp_path / "00000.tar")
    assert (sample["__key__"], sample["png"]) == ("000000000", png(2))


def test_a_table_that_cannot_be_written_leaves_no_shard_and_no_draft(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("slug_lightning.data.shard_writer.pq.write_table", fail)
    with pytest.raises(OSError, match="disk full"), ShardWriter(tmp_path) as writer:
        writer.add(png(), "png", "a")
    assert names(tmp_path) == []
