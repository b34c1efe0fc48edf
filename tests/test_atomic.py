import pytest

from slug_lightning.atomic import atomic_folder, atomic_path, link_or_copy, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_permissions_are_those_of_any_new_file(tmp_path):
    import torch
    from safetensors.torch import save_file

    with atomic_path(tmp_path / "a.safetensors") as draft:
        save_file({"a": torch.zeros(1)}, draft)
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failed_folder_leaves_the_old_one(tmp_path):
    target = tmp_path / "folder"
    with atomic_folder(target) as draft:
        (draft / "a").write_text("old")
    with pytest.raises(RuntimeError), atomic_folder(target) as draft:
        raise RuntimeError
    assert (target / "a").read_text() == "old"
    with atomic_folder(target) as draft:
        (draft / "b").write_text("new")
    assert [p.name for p in target.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("links", [True, False])
def test_a_finished_file_gets_a_second_name(tmp_path, monkeypatch, links):
    def no_links(*_):
        raise OSError

    if not links:
        monkeypatch.setattr("os.link", no_links)
    write_text(tmp_path / "a", "text")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").unlink()
    assert (tmp_path / "b").read_text() == "text"
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]
