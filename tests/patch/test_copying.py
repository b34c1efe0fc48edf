import pytest

from slug_lightning.errors import BadDataError
from slug_lightning.patch.copying import copy_folder, file_digest, files_of


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    for name in ("a.txt", "part/b.txt", ".git/config", ".cache/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "link.txt").symlink_to(folder / "a.txt")
    (folder / "part" / "circle").symlink_to(folder)
    return folder


def test_links_are_followed_and_circles_and_caches_are_not(source, tmp_path):
    assert files_of(source) == ["a.txt", "link.txt", "part/b.txt"]
    copy_folder(source, tmp_path / "out", {"a.txt"}, set(), link=False)
    assert files_of(tmp_path / "out") == ["link.txt", "part/b.txt"]
    assert not (tmp_path / "out" / "link.txt").is_symlink()


def test_linked_files_share_their_bytes_but_for_those_that_change(source, tmp_path):
    copy_folder(source, tmp_path / "out", set(), {"a.txt"}, link=True)
    assert (source / "part" / "b.txt").samefile(tmp_path / "out" / "part" / "b.txt")
    assert (source / "a.txt").samefile(tmp_path / "out" / "link.txt")
    assert not (source / "a.txt").samefile(tmp_path / "out" / "a.txt")


def test_a_file_that_cannot_be_copied_is_named(source, tmp_path):
    (source / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadDataError, match="Could not copy 'gone'"):
        copy_folder(source, tmp_path / "out", set(), set(), link=False)


def test_digest_is_that_of_the_bytes(source):
    assert file_digest(source / "a.txt").startswith("18b7cb099a")
