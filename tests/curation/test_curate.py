import json

import pytest

from slug_lightning.curation.curate import curate
from slug_lightning.curation.executors import open_executor
from slug_lightning.curation.query import Query
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.curation.tar_source import TarSource
from slug_lightning.errors import BadDataError, ConceptNotFoundError
from tests.curation.making import CAPTIONS, NAMING, elon, files, png, write_pair, write_shards


@pytest.fixture
def sources(tmp_path):
    return [TarSource(shard) for shard in write_shards(tmp_path / "shards")]


def run(sources, out, query=None, settings=None, **options):
    return curate(query or elon(), sources, out, CurationSettings(**(settings or {})), **options)


def test_a_set_is_written_and_nothing_else_left(sources, tmp_path):
    outcome = run(sources, tmp_path / "out", settings={"retain": 3})
    assert outcome.folder == tmp_path / "out" / "Elon_Musk"
    facts = json.loads((outcome.folder / "manifest.json").read_text())
    assert (len(facts["pairs"]), facts["counts"]["captions"]) == (len(NAMING), len(CAPTIONS))
    assert (facts["digest"], len(facts["retain"]["pairs"])) == (outcome.digest, 3)
    assert facts["matcher"] == {"names": ["Elon Musk"], "regex": None}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["Elon_Musk"]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_twice_gives_the_same_bytes_on_any_number_of_processes(sources, tmp_path, workers):
    settings = {"retain": 3, "limit": 3, "deduplicate": True}
    run(sources, tmp_path / "a", settings=settings)
    run(sources, tmp_path / "a", settings=settings)
    with open_executor("local", workers) as executor:
        run(sources, tmp_path / "b", settings=settings, executor=executor)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert len(files(tmp_path / "a")) == 7


def test_with_and_without_parquet_the_same_pairs_are_written(sources, tmp_path):
    run(sources, tmp_path / "a", settings={"retain": 3})
    run([TarSource(s.shard, use_index=False) for s in sources], tmp_path / "b", settings={"retain": 3})
    a, b = files(tmp_path / "a"), files(tmp_path / "b")
    assert a.keys() == b.keys()
    assert [name for name in a if a[name] != b[name]] == ["Elon_Musk/manifest.json"]


def test_a_dry_run_leaves_a_picture_alone(sources, tmp_path):
    outcome = run(sources, tmp_path / "out", settings={"retain": 3}, dry_run=True)
    assert outcome.sheet == tmp_path / "out" / "Elon_Musk_dry_run.png"
    assert list(files(tmp_path / "out")) == ["Elon_Musk_dry_run.png"]
    assert len(outcome.forget.kept) == len(NAMING)


def test_a_dry_run_does_not_touch_what_is_there(sources, tmp_path):
    run(sources, tmp_path / "out")
    before = files(tmp_path / "out" / "Elon_Musk")
    run(sources, tmp_path / "out", settings={"limit": 1}, dry_run=True)
    assert files(tmp_path / "out" / "Elon_Musk") == before


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(sources, tmp_path, monkeypatch):
    run(sources, tmp_path / "a", settings={"retain": 3})
    find = TarSource.find
    asked = []

    def stop_at_last(self, query):
        if self.shard == sources[-1].shard:
            raise KeyboardInterrupt
        return find(self, query)

    monkeypatch.setattr(TarSource, "find", stop_at_last)
    with pytest.raises(KeyboardInterrupt):
        run(sources, tmp_path / "b", settings={"retain": 3})
    assert not (tmp_path / "b" / "Elon_Musk").exists()
    monkeypatch.setattr(TarSource, "find", lambda self, query: asked.append(self) or find(self, query))
    outcome = run(sources, tmp_path / "b", settings={"retain": 3})
    assert (asked, outcome.forget.resumed) == ([sources[-1]], 2)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_no_match_says_near_misses_and_replaces_nothing(sources, tmp_path):
    run(sources, tmp_path / "out")
    before = files(tmp_path / "out")
    with pytest.raises(ConceptNotFoundError, match="name 'Elon Mosk' but none of 13 captions.*'elon musk'"):
        run(sources, tmp_path / "out", Query("Elon Mosk"))
    for source in sources:  # the same search on shards that have lost their pairs
        write_pair(
            source_path := tmp_path / "shards" / source.shard.rpartition("/")[2], [("a", b"a lake", png(0))]
        )
        (source_path.parent / source_path.name.replace(".tar", ".parquet")).unlink()
    with pytest.raises(ConceptNotFoundError, match="none of 3 captions"):
        run(sources, tmp_path / "out")
    assert files(tmp_path / "out") == before


def test_no_match_and_nothing_near_says_what_to_do(sources, tmp_path):
    with pytest.raises(
        ConceptNotFoundError, match="Add other spellings with --aliases, or search more shards"
    ):
        run(sources, tmp_path / "out", Query("Zaphod Beeblebrox"))
    with pytest.raises(ConceptNotFoundError, match=r"Closest: \['skrat'|Closest: .*muskrat"):
        run(sources, tmp_path / "out", Query("uskra"))


def test_pairs_that_are_all_unusable_are_told_from_none(tmp_path):
    source = TarSource(write_pair(tmp_path / "0.tar", [("a", b"Elon Musk", b"none"), ("b", b"", png(0))]))
    with pytest.raises(
        ConceptNotFoundError, match=r"none of the 1 that name it is usable, out of 2 .*\(1 no_caption, 1 not"
    ):
        run([source], tmp_path / "out")


def test_unusable_pairs_of_others_do_not_hide_that_none_names_it(tmp_path):
    pairs = [
        ("a", b"a lake", png(0)),
        ("a", b"a lake", png(1)),
        ("b", b"\xff", png(2)),
        ("c", b"elan musk", png(3)),
    ]
    source = TarSource(write_pair(tmp_path / "0.tar", pairs))
    with pytest.raises(
        ConceptNotFoundError, match="none of 3 captions in 1 source does. Closest: .'elan musk'"
    ):
        run([source], tmp_path / "out")


def test_another_concept_of_the_same_folder_is_refused(sources, tmp_path):
    run(sources, tmp_path / "out")
    before = files(tmp_path / "out")
    with pytest.raises(BadDataError, match="holds that of 'Elon Musk'; name another --out"):
        run(sources, tmp_path / "out", Query("Elon_Musk"), overwrite=True)
    with pytest.raises(BadDataError, match=r"\['limit'\] differ"):
        run(sources, tmp_path / "out", settings={"limit": 1})
    assert files(tmp_path / "out") == before
    assert len(run(sources, tmp_path / "out", settings={"limit": 1}, overwrite=True).forget.kept) == 1


def test_problems_of_sources_are_in_the_manifest(sources, tmp_path):
    (tmp_path / "shards" / "00000.parquet").write_bytes(b"rubbish")
    outcome = run(sources, tmp_path / "out")
    facts = json.loads((outcome.folder / "manifest.json").read_text())
    assert "00000.parquet cannot be searched" in facts["sources"][0]["problems"][0]
    assert len(facts["pairs"]) == len(NAMING)
