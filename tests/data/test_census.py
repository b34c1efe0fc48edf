import io
import json
import random
import subprocess
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slug_lightning.data.census import count_shard, take_census
from slug_lightning.data.members import ShardReader
from slug_lightning.data.samples import iter_samples
from slug_lightning.data.shard_writer import ShardWriter
from slug_lightning.data.shards import iter_pairs
from slug_lightning.errors import BadDataError, SettingError
from tests.data.tars import pair, picture, write_pairs, write_tar


def handed_out(shard) -> tuple[int, int]:
    """Pairs and skipped samples of the stream."""
    skipped: dict[str, int] = {}
    return sum(1 for _ in iter_pairs(str(shard), skipped)), sum(skipped.values())


def test_counts_are_those_of_the_stream(tmp_path):
    write_tar(tmp_path / "0.tar", [*pair(1), ("x.txt", b"alone"), *pair(2)])
    write_pairs(tmp_path / "1.tar", range(7))
    census = take_census(str(tmp_path / "*.tar"))
    assert [s.samples for s in census.shards] == [3, 7]
    assert census.starts == (0, 3)
    assert census.samples == 10
    assert census.problems == ()


def test_the_digest_is_what_sha256sum_prints(tmp_path):
    for i in range(3):
        write_pairs(tmp_path / f"{i:05d}.tar", range(i, i + 2))
    shell = subprocess.run(
        "sha256sum *.tar | sha256sum", shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert take_census(str(tmp_path / "*.tar")).digest == shell.stdout.split()[0]


def test_a_pipe_has_the_digest_and_count_of_its_file(tmp_path):
    path = write_pairs(tmp_path / "0.tar", range(5))
    local, piped = count_shard(str(path)), count_shard(f"pipe:cat {path}")
    assert (piped.samples, piped.sha256) == (local.samples, local.sha256)


def promise_by_stats(path, pairs):
    path.with_name(f"{path.stem}_stats.json").write_text(json.dumps({"count": 99, "successes": pairs}))


def promise_by_parquet(path, pairs):
    status = ["success"] * pairs + ["failed_to_download"] * 3
    pq.write_table(pa.table({"status": status}), path.with_suffix(".parquet"))


@pytest.mark.parametrize("promise", [promise_by_stats, promise_by_parquet])
def test_a_truncated_tar_is_noticed_by_count(tmp_path, promise):
    path = write_pairs(tmp_path / "00003.tar", range(20))
    promise(path, 20)
    assert take_census(str(path)).problems == ()
    path.write_bytes(path.read_bytes()[: 512 * 6 * 7])
    census = take_census(str(path))
    held = census.samples
    assert 0 < held < 20
    assert census.missing == 20 - held
    assert census.problems[0].startswith(f"00003.tar holds {held} of 20 pairs its 00003")
    assert census.problems[0].endswith("promises: the file is truncated.")
    with pytest.raises(BadDataError, match=rf"00003.tar holds {held} of 20 pairs .* Download again"):
        take_census(str(path), incomplete="refuse")


def test_a_tar_that_is_whole_but_short_is_called_incomplete(tmp_path):
    path = write_pairs(tmp_path / "00003.tar", range(5))
    promise_by_stats(path, 8)
    assert take_census(str(path)).problems == (
        "00003.tar holds 5 of 8 pairs its 00003_stats.json promises: the file is incomplete.",
    )


@pytest.mark.parametrize("data", [b"", b"no tar at all" * 100, b"\x1f\x8bnot gzip"])
def test_what_is_no_tar_counts_nothing_and_is_named(tmp_path, data):
    write_pairs(tmp_path / "0.tar", range(2))
    (tmp_path / "1.tar").write_bytes(data)
    census = take_census(str(tmp_path / "*.tar"))
    assert census.samples == 2
    assert census.problems == ("1.tar is not a tar after 0 samples.",)
    with pytest.raises(BadDataError, match=r"found none\. 1\.tar is not a tar"):
        take_census(str(tmp_path / "1.tar"))


def test_an_empty_tar_is_refused(tmp_path):
    with tarfile.open(tmp_path / "0.tar", "w"):
        pass
    with pytest.raises(BadDataError, match=r"found none\. The tars are empty"):
        take_census(str(tmp_path / "0.tar"))


def test_written_shards_keep_their_promises(tmp_path):
    with ShardWriter(tmp_path, pairs_per_shard=4) as writer:
        for i in range(9):
            writer.add(picture(i), "jpg", f"a seven, number {i}")
        writer.add_failure("gone", "https://host/gone.jpg", "404")
    census = take_census(str(tmp_path / "*.tar"))
    assert [(s.samples, s.promise.pairs) for s in census.shards] == [(4, 4), (4, 4), (1, 1)]
    assert census.problems == ()


def test_a_limit_stops_the_scan(tmp_path):
    write_pairs(tmp_path / "0.tar", range(5))
    write_pairs(tmp_path / "1.tar", range(5))
    (tmp_path / "2.tar").write_bytes(b"opening this one would be a problem")
    census = take_census(str(tmp_path / "*.tar"), limit=7)
    assert (census.samples, len(census.shards), census.problems) == (7, 2, ())
    assert take_census(str(tmp_path / "{0,1}.tar"), limit=99).samples == 10
    with pytest.raises(SettingError, match="at least 1"):
        take_census(str(tmp_path / "0.tar"), limit=0)


def test_reading_from_any_mark_gives_the_rest_of_the_samples(tmp_path):
    long = "long/" * 40  # names that need extended headers
    path = write_tar(
        tmp_path / "0.tar",
        [m for i in range(200) for m in pair(i, f"{long if i % 3 else ''}{i:09d}")],
    )
    with ShardReader(str(path)) as reader:
        keys = [sample.key for sample in iter_samples(reader)]
    marks = count_shard(str(path)).marks
    assert len(marks) == 4
    for i, mark in enumerate(marks):
        with ShardReader(str(path), start=mark) as reader:
            samples = [(sample.key, sample.caption()) for sample in iter_samples(reader)]
        assert [key for key, _ in samples] == keys[64 * i :]
        assert samples[-1][1] == "a seven, number 199"


def test_a_tar_with_a_global_header_has_no_marks(tmp_path):
    with tarfile.open(tmp_path / "0.tar", "w", pax_headers={"comment": "for all"}) as tar:
        for name, data in pair(1):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    counted = count_shard(str(tmp_path / "0.tar"))
    assert (counted.samples, counted.marks) == (1, ())


def test_census_and_stream_agree_wherever_a_tar_is_cut(tmp_path):
    whole = write_pairs(tmp_path / "whole.tar", range(6)).read_bytes()
    path = tmp_path / "cut.tar"
    rng = random.Random(0)
    cuts = [rng.randrange(len(whole)) for _ in range(120)] + [512 * i for i in range(len(whole) // 512)]
    for cut in cuts:
        path.write_bytes(whole[:cut])
        counted = count_shard(str(path))
        pairs, skipped = handed_out(path)
        assert counted.samples == pairs + skipped
        assert skipped <= 1  # only the sample that is cut
        assert handed_out(f"pipe:cat {path}") == (pairs, skipped)
        assert bool(counted.problem) == (cut < len(whole.rstrip(b"\0")) // 512 * 512 + 1024)


def mutated(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        kind, at = rng.randrange(5), rng.randrange(len(out))
        block = at // 512 * 512
        if kind == 0:
            out[at] = rng.randrange(256)
        elif kind == 1:  # a size field, with its checksum made right again
            out[block + 124 : block + 136] = rng.choice(
                [
                    b"77777777777\0",
                    b"-0000001000\0",
                    b"\x80" + b"\xff" * 11,
                    b"\xff" * 8 + b"\0" * 4,
                    b"00000000017\0",
                ]
            )
            fix_checksum(out, block)
        elif kind == 2:  # another member type
            out[block + 156 : block + 157] = bytes([rng.choice(b"01234567LKxgSV\0")])
            fix_checksum(out, block)
        elif kind == 3:
            del out[at : at + rng.choice([1, 100, 512, 5000])]
        else:
            out[at:at] = rng.randbytes(rng.choice([1, 512]))
        if len(out) < 1024:
            break
    return bytes(out)


def fix_checksum(data: bytearray, block: int) -> None:
    header = bytearray(data[block : block + 512])
    if len(header) == 512:
        header[148:156] = b" " * 8
        data[block + 148 : block + 156] = b"%06o\0 " % sum(header)


def test_census_and_stream_agree_on_mutated_tars(tmp_path):
    long = "long/" * 40
    members = [m for i in range(5) for m in pair(i, f"{long if i % 2 else ''}{i:09d}")]
    base = write_tar(tmp_path / "base.tar", members).read_bytes()
    path = tmp_path / "mutated.tar"
    rng = random.Random(7)
    for _ in range(400):
        path.write_bytes(mutated(base, rng))
        counted = count_shard(str(path))
        pairs, skipped = handed_out(path)
        assert counted.samples == pairs + skipped
        for i, mark in enumerate(counted.marks):
            with ShardReader(str(path), start=mark) as reader:
                assert sum(1 for _ in iter_samples(reader)) == counted.samples - 64 * i


def test_a_damaged_header_in_the_middle_is_said(tmp_path):
    path = write_tar(tmp_path / "0.tar", [*pair(1), ("x.jpg", picture(3))])
    data = bytearray(path.read_bytes())
    at = bytes(data).index(b"x.jpg")
    data[at : at + 512] = b"rubbish " * 64
    path.write_bytes(bytes(data))
    assert take_census(str(path)).problems == ("0.tar is damaged after 1 samples.",)
