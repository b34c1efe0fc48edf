import os

from slug_lightning.comparison.identity import absolute, identity


def write(folder, weights=b"weights"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text("{}")
    (folder / "open_clip_model.safetensors").write_bytes(weights)
    return f"local-dir:{folder}"


def test_a_folder_is_what_it_holds_wherever_it_lies(tmp_path):
    first = identity(write(tmp_path / "a"))
    assert identity(write(tmp_path / "b" / "c")) == first
    assert identity(write(tmp_path / "a", b"others!")) != first  # as long as before


def test_a_weights_file_is_what_it_holds_and_a_tag_is_its_name(tmp_path):
    file = tmp_path / "weights.pt"
    file.write_bytes(b"one")
    first = identity("ViT-B-32", str(file))
    file.write_bytes(b"two")
    os.utime(file, (1, 1))
    assert identity("ViT-B-32", str(file)) != first
    assert identity("ViT-B-32", "openai") == ["ViT-B-32", "openai"]
    assert identity("local-dir:nowhere") == ["local-dir:nowhere", None]  # loading it says what is missing


def test_a_relative_folder_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("local-dir:gold/seven") == f"local-dir:{tmp_path}/gold/seven"
    assert absolute("hf-hub:org/name") == "hf-hub:org/name"
