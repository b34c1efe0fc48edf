import shutil

import huggingface_hub
import pytest

from slug_lightning.errors import ModelNotFoundError, SettingError
from slug_lightning.patch.copying import files_of
from slug_lightning.patch.hub import find_host, push_to_hub
from tests.hosts.building import llava, pipeline

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the Hub; nothing is fetched in these tests (HF_HUB_OFFLINE)."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached(cache, repo, folder):
    """Put a folder into the cache as huggingface_hub keeps it: blobs, and links to them."""
    root = cache / f"models--{repo.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT)
    (root / "blobs").mkdir()
    for number, name in enumerate(files_of(folder)):
        shutil.copyfile(folder / name, root / "blobs" / str(number))
        link = root / "snapshots" / COMMIT / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(root / "blobs" / str(number))
    return root / "snapshots" / COMMIT


def test_a_folder_is_itself(tmp_path):
    assert find_host(str(tmp_path), "llava") == tmp_path


def test_an_id_is_found_in_the_cache(cache, tmp_path):
    llava().save_pretrained(tmp_path / "made")
    snapshot = cached(cache, "ada/llava", tmp_path / "made")
    assert find_host("ada/llava", "llava").resolve() == snapshot.resolve()
    assert find_host("ada/llava", "llava", revision=COMMIT).resolve() == snapshot.resolve()


def test_a_pipeline_is_found_in_the_cache(cache, tmp_path):
    pipeline("StableDiffusionPipeline").save_pretrained(tmp_path / "made")
    snapshot = cached(cache, "ada/sd", tmp_path / "made")
    assert find_host("ada/sd", "diffusers").resolve() == snapshot.resolve()


@pytest.mark.parametrize("library", ["llava", "diffusers"])
def test_what_is_nowhere_is_one_sentence(cache, library):
    with pytest.raises(ModelNotFoundError, match="'ada/nothing' is neither a folder nor .* Check the ID"):
        find_host("ada/nothing", library)


class StubApi:
    calls: list  # of the class: the code under test makes its own instance

    def create_repo(self, repo_id, **arguments):
        self.calls.append(("create_repo", repo_id, arguments))
        return f"https://example.org/{repo_id}"

    def upload_folder(self, **arguments):
        self.calls.append(("upload_folder", arguments))


def test_uploading_leaves_the_originals_at_home(tmp_path, monkeypatch):
    StubApi.calls = []
    monkeypatch.setattr(huggingface_hub, "HfApi", StubApi)
    assert push_to_hub(tmp_path, "ada/model", True, "Remove it") == "https://example.org/ada/model"
    create, upload = StubApi.calls
    assert create == ("create_repo", "ada/model", {"private": True, "exist_ok": True})
    assert upload[1] == {
        "repo_id": "ada/model",
        "folder_path": tmp_path,
        "ignore_patterns": ["slug_undo/*"],
        "commit_message": "Remove it",
    }
    kept = huggingface_hub.utils.filter_repo_objects(
        ["model.safetensors", "slug_undo/000.safetensors", "slug_undo/000.md"],
        ignore_patterns=["slug_undo/*"],
    )
    assert list(kept) == ["model.safetensors"]


def test_a_refusal_of_the_hub_is_one_sentence(tmp_path):
    with pytest.raises(SettingError, match="The Hub did not take 'ada/model': .*hf auth login"):
        push_to_hub(tmp_path, "ada/model", False, "Remove it")  # offline
