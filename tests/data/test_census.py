import gzip
import io
import json
import os
import random
import re
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
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError
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


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty (0 bytes)"), (b"no tar at all" * 100, "not a tar"), (b"\x1f\x8bnot gzip", "not a tar")],
)
def test_what_is_no_tar_counts_nothing_and_is_named(tmp_path, data, said):
    write_pairs(tmp_path / "0.tar", range(2))
    (tmp_path / "1.tar").write_bytes(data)
    census = take_census(str(tmp_path / "*.tar"))
    assert census.samples == 2
    assert census.problems == (f"1.tar is {said}.",)
    assert census.lost == 1
    with pytest.raises(BadDataError, match=rf"found none\. 1\.tar is {re.escape(said)}"):
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


@pytest.mark.parametrize(("said", "ending"), [("comment", "whole"), ("path", "damaged"), ("size", "damaged")])
def test_a_global_header_may_not_govern_names_and_sizes(tmp_path, said, ending):
    with tarfile.open(tmp_path / "0.tar", "w", pax_headers={said: "100"}) as tar:
        for name, data in pair(1):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    counted = count_shard(str(tmp_path / "0.tar"))
    assert (counted.samples, counted.ending) == (int(ending == "whole"), ending)


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


def test_missing_shards_are_named_or_refused(tmp_path):
    for i in (0, 2):
        write_pairs(tmp_path / f"{i}.tar", range(i, i + 3))
    promise_by_stats(tmp_path / "1.tar", 9)
    shards = str(tmp_path / "{0..3}.tar")
    with pytest.raises(DataNotFoundError, match="2 are missing"):
        take_census(shards)
    census = take_census(shards, missing="skip")
    assert (census.samples, census.lost, census.missing) == (6, 2, 9)
    assert census.problems == (
        "1.tar holds 0 of 9 pairs its 1_stats.json promises: the file is missing, or changed meanwhile.",
        "3.tar is missing, or changed meanwhile.",
    )
    assert census.digest == take_census(str(tmp_path / "{0,2}.tar")).digest


def test_shards_that_disappear_or_change_while_they_are_counted_are_named_or_refused(tmp_path, monkeypatch):
    paths = [write_pairs(tmp_path / f"{i}.tar", range(9)) for i in range(3)]

    class Meddling(ShardReader):
        def digest(self):
            if self.shard.endswith("0.tar"):
                paths[1].unlink()
            if self.shard.endswith("2.tar"):
                with paths[2].open("ab") as file:
                    file.write(b"more")
            return super().digest()

    monkeypatch.setattr("slug_lightning.data.census.ShardReader", Meddling)
    assert [s.lost for s in take_census(str(tmp_path / "*.tar"), missing="skip").shards] == [
        False,
        True,
        True,
    ]
    write_pairs(paths[1], range(9))
    with pytest.raises(DataNotFoundError, match=r"'.*1\.tar' cannot be opened"):
        take_census(str(tmp_path / "*.tar"))
    with pytest.raises(BadDataError, match=r"'.*2\.tar' changed while it was counted"):
        take_census(str(paths[2]))


def test_too_many_lost_shards_are_refused_unless_a_limit_is_reached_without_them(tmp_path):
    for i in range(8):
        (tmp_path / f"{i}.tar").write_bytes(b"")
    for i in range(8, 10):
        write_pairs(tmp_path / f"{i}.tar", range(5))
    shards = str(tmp_path / "*.tar")
    assert take_census(shards, max_lost_share=0.8).samples == 10
    said = r"Nothing .* of 8 of 10 shards, .*max_bad_share=0.5 allows\. 0\.tar is empty .* So are 5 more\."
    with pytest.raises(BadDataError, match=said):
        take_census(shards, max_lost_share=0.5)
    assert take_census(shards, limit=7, max_lost_share=0.5).samples == 7
    with pytest.raises(BadDataError, match="2.tar is empty .* So are 5 more. Download again"):
        take_census(shards, incomplete="refuse")


def test_a_second_tar_behind_the_end_of_the_first_is_said(tmp_path):
    path = write_pairs(tmp_path / "0.tar", range(3))
    path.write_bytes(path.read_bytes() * 2)
    (tmp_path / "1.tar.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert take_census(str(tmp_path / "*.tar*")).problems == (
        "0.tar is followed by more, which is not read, after 3 samples.",
        "1.tar.gz is followed by more, which is not read, after 3 samples.",
    )


def test_a_name_that_is_no_text_is_printed_and_digested(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff.tar")
    try:
        write_pairs(path, range(3))
    except OSError:
        pytest.skip("the file system allows UTF-8 names alone")
    path.write_bytes(path.read_bytes()[:4000])
    census = take_census(str(tmp_path / "*.tar"))
    assert census.problems == ("\\udcff.tar is truncated after 1 samples.",)
    assert len(census.digest) == 64
