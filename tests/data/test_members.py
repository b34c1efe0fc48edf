import bz2
import gzip
import hashlib
import lzma
import tarfile

import pytest

from slug_lightning.data.census import count_shard
from slug_lightning.data.headers import Ending
from slug_lightning.data.members import ShardReader
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.data.samples import iter_samples
from slug_lightning.data.shards import iter_pairs
from slug_lightning.errors import DataNotFoundError
from tests.data.tars import pair, picture, write_pairs, write_tar


def walk(shard):
    with ShardReader(str(shard)) as reader:
        return [(m.name, m.safe, m.offset, m.read()) for m in reader], reader.ending


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_and_piped_tars_have_the_members_of_the_plain_one(tmp_path, compress):
    path = write_tar(tmp_path / "0.tar", [*pair(1), ("README", b"x"), *pair(2, "long/" * 60 + "2")])
    plain, ending = walk(path)
    assert ending is Ending.WHOLE
    assert [(name, data) for name, _, _, data in plain][:3] == pair(1)
    (tmp_path / "0.tar.z").write_bytes(compress(path.read_bytes()))
    assert walk(tmp_path / "0.tar.z") == walk(f"pipe:cat {path}") == (plain, ending)


@pytest.mark.parametrize(
    ("data", "ending"),
    [(b"", Ending.UNREADABLE), (b"rubbish" * 200, Ending.UNREADABLE), (bytes(1024), Ending.WHOLE)],
)
def test_what_is_no_tar_has_no_members(tmp_path, data, ending):
    (tmp_path / "0.tar").write_bytes(data)
    assert walk(tmp_path / "0.tar") == ([], ending)


def test_contents_may_be_read_in_any_order_from_a_plain_tar(tmp_path):
    path = write_tar(tmp_path / "0.tar", pair(1))
    with ShardReader(str(path)) as reader:
        members = list(reader)
        assert [m.read() for m in reversed(members)] == [data for _, data in reversed(pair(1))]


def test_a_shard_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"Shard '.*0\.tar' cannot be opened"):
        ShardReader(str(tmp_path / "0.tar"))


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


def test_a_lying_size_neither_fills_memory_nor_hangs(tmp_path):
    path = tmp_path / "0.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("000000000.jpg")
        info.size = 1 << 40
        tar.fileobj.write(info.tobuf(tarfile.GNU_FORMAT) + picture(1))
    for shard in (str(path), f"pipe:cat {path}"):
        with ShardReader(shard) as reader:
            for sample in iter_samples(reader):
                with pytest.raises(BadMemberError, match="too_large: 1,099,511,627,776 bytes"):
                    sample.image()
        assert reader.ending is Ending.TRUNCATED


@pytest.mark.parametrize("keep", [512 * 7, 512 * 8, 512 * 9 + 100])
def test_a_cut_is_noticed_in_streams_too(tmp_path, keep):
    whole = write_pairs(tmp_path / "0.tar", range(4)).read_bytes()
    (tmp_path / "0.tar.gz").write_bytes(gzip.compress(whole[:keep]))
    (tmp_path / "1.tar.gz").write_bytes(gzip.compress(whole)[:-400])
    (tmp_path / "0.tar").write_bytes(whole[:keep])
    for shard in ("0.tar", "0.tar.gz", "1.tar.gz"):
        with ShardReader(str(tmp_path / shard)) as reader:
            assert list(reader)
        assert reader.ending is Ending.TRUNCATED
    assert count_shard(f"pipe:cat {tmp_path / '0.tar'}").ending is Ending.TRUNCATED


def test_the_last_member_of_a_cut_tar_is_truncated(tmp_path):
    path = write_tar(tmp_path / "0.tar", pair(1)[:1])
    path.write_bytes(path.read_bytes()[:700])
    for shard in (str(path), f"pipe:cat {path}"):
        with ShardReader(shard) as reader:
            for member in reader:
                with pytest.raises(BadMemberError, match="truncated"):
                    member.read()
        assert reader.ending is Ending.TRUNCATED


def test_a_pipe_whose_command_fails_gives_what_came(tmp_path):
    path = write_pairs(tmp_path / "0.tar", range(4))
    path.write_bytes(path.read_bytes()[: 512 * 16])  # two pairs of seven blocks, and two blocks
    command = f"pipe:cat {path}; exit 3"
    skipped = {}
    assert len(list(iter_pairs(command, skipped))) == 2
    assert skipped == {"no_caption": 1}
    assert count_shard(command).problem == "0.tar; exit 3 is truncated after 3 samples."


@pytest.mark.parametrize(("name", "after"), [("0.tar", 3), ("0.tar.gz", 1)])
def test_a_disk_that_fails_ends_the_walk_and_is_named(tmp_path, name, after):
    data = write_pairs(tmp_path / "0.tar", range(30)).read_bytes()
    (tmp_path / "0.tar.gz").write_bytes(gzip.compress(data))
    with ShardReader(str(tmp_path / name)) as reader:
        reader._file = Failing(reader._file, after)
        members = list(reader)
        assert len(members) < 90
        assert reader.ending in (Ending.DAMAGED, Ending.TRUNCATED)
        if reader.seekable:
            with pytest.raises(BadMemberError, match="truncated"):
                members[0].read()
            with pytest.raises(DataNotFoundError, match="cannot be read: I/O error"):
                reader.digest()


class Failing:
    def __init__(self, file, after):
        self._file, self._left = file, after
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size=-1):
        self._left -= 1
        if self._left < 0:
            raise OSError("I/O error")
        return self._file.read(min(size, 700) if size > 0 else size)

    def readable(self):
        return True

    def readinto(self, buffer):
        raise OSError("I/O error")


def test_a_url_that_only_fsspec_knows(tmp_path):
    import fsspec

    data = write_pairs(tmp_path / "x.tar", range(3)).read_bytes()
    with fsspec.open("memory://shards/x.tar", "wb") as file:
        file.write(data)
    with ShardReader("memory://shards/x.tar") as reader:
        assert [member.name for member in reader][::3] == [f"{n:09d}.jpg" for n in range(3)]
        assert reader.digest() == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("url", ["memory://shards/none.tar", "nosuchscheme://x.tar"])
def test_a_url_that_cannot_be_opened_is_one_sentence(url):
    with pytest.raises(DataNotFoundError, match=f"Shard '{url}' cannot be opened"):
        ShardReader(url)
