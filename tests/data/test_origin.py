import hashlib
import json
import shutil
import subprocess

import pytest

from slug_lightning.curation.manifest import NAME
from slug_lightning.data.census import take_census
from slug_lightning.data.origin import MANIFEST, curated_from, shard_list
from tests.data.tars import write_pairs

MANIFEST_OF = {"concept": "Ada Example", "package_version": "0.1.0"}


@pytest.fixture
def census(tmp_path):
    folder = tmp_path / "Ada_Example"
    folder.mkdir()
    for number in range(2):
        write_pairs(folder / f"{number:05d}.tar", range(3 * number, 3 * number + 3))
    return take_census(str(folder / "*.tar"))


def folder_of(census, tmp_path):
    return tmp_path / "Ada_Example"


def test_the_name_is_that_of_curation():
    assert MANIFEST == NAME


def test_the_list_has_the_digest_that_the_report_gives(census):
    assert hashlib.sha256(shard_list(census)).hexdigest() == census.digest


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_accepts_the_list(census, tmp_path):
    folder = folder_of(census, tmp_path)
    done = subprocess.run(
        ["sha256sum", "--check", "-"], input=shard_list(census), cwd=folder, capture_output=True, check=True
    )
    assert done.stdout.decode().split() == ["00000.tar:", "OK", "00001.tar:", "OK"]


@pytest.mark.parametrize("agrees", [True, False])
def test_a_manifest_is_found_and_compared(census, tmp_path, agrees):
    digest = census.digest if agrees else "0" * 64
    path = folder_of(census, tmp_path) / MANIFEST
    path.write_text(json.dumps({**MANIFEST_OF, "digest": digest}))
    found = curated_from(census)
    assert found == {
        **MANIFEST_OF,
        "file": "manifest.json",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "digest": digest,
        "agrees": agrees,
    }


def test_a_retain_sample_has_its_manifest_one_folder_up(tmp_path):
    (tmp_path / "ada" / "retain").mkdir(parents=True)
    write_pairs(tmp_path / "ada" / "retain" / "00000.tar", range(3))
    census = take_census(str(tmp_path / "ada" / "retain" / "00000.tar"))
    about = {**MANIFEST_OF, "digest": "1" * 64, "retain": {"digest": census.digest}}
    (tmp_path / "ada" / MANIFEST).write_text(json.dumps(about))
    assert curated_from(census)["agrees"]


@pytest.mark.parametrize("text", ["{", "[]", '{"concept": "x"}', "null"])
def test_a_manifest_of_something_else_is_none(census, tmp_path, text):
    (folder_of(census, tmp_path) / MANIFEST).write_text(text)
    assert curated_from(census) is None


def test_without_a_manifest_there_is_none(census):
    assert curated_from(census) is None
