import json

import pytest

from slug_lightning.curation.executors import Here
from slug_lightning.curation.forget_set import collect
from slug_lightning.curation.publish import publish, staged_pairs
from slug_lightning.curation.retain_sample import RetainSample, draw
from slug_lightning.curation.settings import CurationSettings
from slug_lightning.curation.staging import Staging
from slug_lightning.curation.tar_source import TarSource
from tests.curation.making import CAPTIONS, NAMING, elon, files, png, write_shards
from tests.shard_reading import read_shards


@pytest.fixture
def chosen(tmp_path):
    sources = [TarSource(shard) for shard in write_shards(tmp_path / "shards")]
    staging = Staging(tmp_path / "staging", {})
    settings = CurationSettings(retain=4)
    forget = collect(sources, elon(), settings, staging, Here())
    retain = draw(sources, elon(), settings, forget.kept, staging, Here())
    return [source.name for source in sources], forget, retain, staging


def test_shards_have_the_bytes_of_their_sources(chosen, tmp_path):
    facts = publish(tmp_path / "out", {"concept": "x"}, *chosen)
    samples = read_shards(tmp_path / "out" / "00000.tar")
    assert [s["__key__"] for s in samples] == [pair["key"] for pair in facts["pairs"]]
    assert [(s["png"], s["txt"].decode()) for s in samples] == [(png(n), CAPTIONS[n]) for n in NAMING]
    row = json.loads(samples[0]["json"])
    assert (row["url"], row["original_width"], row["width"]) == ("https://example.com/0", 600, 6)
    retained = read_shards(tmp_path / "out" / "retain" / "00000.tar")
    assert len(retained) == 4
    assert not {s["png"] for s in samples} & {s["png"] for s in retained}
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["digest"] == facts["digest"]


def test_the_same_pairs_give_the_same_bytes(chosen, tmp_path):
    for name in ("a", "b", "b"):
        publish(tmp_path / name, {"concept": "x"}, *chosen)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert len(files(tmp_path / "a")) == 7


def test_without_a_retain_sample_there_is_no_folder_for_it(chosen, tmp_path):
    names, forget, _, staging = chosen
    publish(tmp_path / "out", {"concept": "x"}, names, forget, RetainSample(), staging)
    assert sorted(files(tmp_path / "out")) == [
        "00000.parquet",
        "00000.tar",
        "00000_stats.json",
        "manifest.json",
    ]


def test_an_error_leaves_the_older_set_and_no_draft(chosen, tmp_path, monkeypatch):
    publish(tmp_path / "sets" / "out", {"concept": "x"}, *chosen)
    before = files(tmp_path / "sets")
    (tmp_path / "sets" / ".out.abc.tmp").mkdir()  # of a run that was killed while it wrote
    monkeypatch.setattr("slug_lightning.curation.publish.manifest_text", None)
    with pytest.raises(TypeError):
        publish(tmp_path / "sets" / "out", {"concept": "y"}, *chosen)
    assert files(tmp_path / "sets") == before
    assert [path.name for path in (tmp_path / "sets").iterdir()] == ["out"]


def test_pairs_come_in_the_order_that_is_asked_for(chosen):
    _, forget, retain, staging = chosen
    for kept in (forget.kept, retain.kept, forget.kept[1::2]):
        assert [pair.key for _, pair in staged_pairs(kept, staging)] == [one.key for one in kept]
