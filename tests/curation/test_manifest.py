import hashlib
import json

import pytest

from slug_lightning.curation.forget_set import ForgetSet, SourceCount
from slug_lightning.curation.kept import Kept
from slug_lightning.curation.manifest import NAME, check_folder, manifest, manifest_text
from slug_lightning.curation.retain_sample import RetainSample
from slug_lightning.data.census import take_census
from slug_lightning.errors import BadDataError
from tests.curation.making import write_shards

SETTINGS = {"concept": "Elon Musk", "settings": {"limit": None, "seed": 0}}
NAMES = ["0.tar", "1.tar", "2.tar"]


@pytest.fixture
def folder(tmp_path):
    write_shards(tmp_path / "set")
    return tmp_path / "set"


def forget(similarity=None):
    count = SourceCount("0.tar", "0.parquet", 7, 3, 2, {"no_image": 1}, ("0.tar is truncated.",))
    kept = [Kept(1, 3, "s", f"a{n}", "https://host/a", "12", "34", similarity) for n in range(2)]
    return ForgetSet(kept, [count, count])


def test_it_has_every_pair_source_count_and_file(folder):
    facts = manifest(SETTINGS, NAMES, forget(), RetainSample([], sources=[2]), folder)
    assert facts["concept"] == "Elon Musk"
    assert facts["counts"] == {"captions": 14, "matched": 6, "kept": 2, "left_out": {"no_image": 2}}
    assert facts["pairs"][1] == {
        "key": "000000001", "source": "1.tar", "source_key": "a1", "url": "https://host/a", "sha256": "12",
        "download_sha256": "34",
    }  # fmt: skip
    assert facts["sources"][0]["problems"] == ("0.tar is truncated.",)
    assert facts["retain"] == {
        "digest": "", "counts": {"kept": 0, "left_out": {}}, "sources": ["2.tar"], "pairs": [],
    }  # fmt: skip
    assert facts["files"] == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())
    }


def test_its_digest_is_the_one_that_runs_report(folder):
    facts = manifest(SETTINGS, NAMES, forget(), RetainSample(), folder)
    assert facts["digest"] == take_census(f"{folder}/*.tar").digest


def test_keys_are_those_that_the_shards_have(folder):
    kept = [Kept(0, n, "s", str(n), "", "", "") for n in range(10_001)]
    facts = manifest(SETTINGS, NAMES, ForgetSet(kept, []), RetainSample(), folder)
    assert (facts["pairs"][9_999]["key"], facts["pairs"][10_000]["key"]) == ("000009999", "000010000")


def test_a_cosine_is_told_if_it_was_measured(folder):
    facts = manifest(SETTINGS, NAMES, forget(0.25), RetainSample(), folder)
    assert facts["pairs"][0]["similarity"] == 0.25


def test_its_text_is_json_with_a_line_for_each_pair(folder):
    facts = manifest(SETTINGS, NAMES, forget(), RetainSample([], sources=[2]), folder)
    text = manifest_text(facts)
    assert json.loads(text) == json.loads(json.dumps(facts))
    assert sum("source_key" in line for line in text.splitlines()) == 2
    assert json.loads(manifest_text({"a": 1, "b": [], "c": {"d": {}, "e": [{"f": "\udcff"}]}}))["c"]["e"]


def write(folder, **changes):
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_text(json.dumps({**SETTINGS, "digest": "x", **changes}))


def test_an_empty_folder_and_the_same_search_are_fine(tmp_path):
    check_folder(tmp_path / "none", SETTINGS, overwrite=False)
    check_folder(tmp_path, SETTINGS, overwrite=False)
    write(tmp_path / "a")
    check_folder(tmp_path / "a", SETTINGS, overwrite=False)


def test_another_concept_is_refused_even_to_overwrite(tmp_path):
    write(tmp_path / "a", concept="Elon_Musk")
    for overwrite in (False, True):
        with pytest.raises(
            BadDataError, match="for 'Elon Musk' but .* holds that of 'Elon_Musk'; name another"
        ):
            check_folder(tmp_path / "a", SETTINGS, overwrite)


def test_other_settings_are_refused_by_name_unless_told(tmp_path):
    write(tmp_path / "a", settings={"limit": 7, "seed": 0})
    with pytest.raises(BadDataError, match=r"curated with but \['limit'\] differ; give --overwrite"):
        check_folder(tmp_path / "a", SETTINGS, overwrite=False)
    check_folder(tmp_path / "a", SETTINGS, overwrite=True)


@pytest.mark.parametrize("text", [None, "", "[]", "{", "[" * 100_000, "\xff"])
def test_files_of_somebody_else_are_refused(tmp_path, text):
    (tmp_path / "00000.tar").write_bytes(b"")
    if text is not None:
        (tmp_path / NAME).write_text(text, encoding="latin-1")
    with pytest.raises(
        BadDataError, match=r"holds \['00000.tar'.*\] and no manifest of slug curate; name another"
    ):
        check_folder(tmp_path, SETTINGS, overwrite=True)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(BadDataError, match="holds a file and no manifest"):
        check_folder(tmp_path / "a", SETTINGS, overwrite=False)
