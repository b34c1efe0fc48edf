import pytest

from slug_lightning.errors import BadDataError
from slug_lightning.reports.evidence import Evidence, read_evidence, write_evidence
from tests.reports.run_directory import DIGITS, make_evidence


def test_evidence_round_trips_into_frozen_rows(tmp_path):
    document = make_evidence(DIGITS, "seven")
    write_evidence(tmp_path / "evidence.json", document)
    found = read_evidence(tmp_path / "evidence.json")
    assert found.similarity is not None
    assert [list(row) for row in found.similarity.after] == document["similarity"]["after"]
    assert found.samples[0].truth == "seven"
    assert found.samples[0].after[0] == tuple(document["samples"][0]["after"][0])
    assert hash(found) == hash(read_evidence(tmp_path / "evidence.json"))


def test_both_parts_may_be_missing(tmp_path):
    write_evidence(tmp_path / "evidence.json", {"format_version": 1})
    assert read_evidence(tmp_path / "evidence.json") == Evidence(similarity=None, samples=())


def test_invalid_evidence_is_never_written(tmp_path):
    document = make_evidence(DIGITS, "seven")
    document["similarity"]["before"][0][0] = float("nan")
    with pytest.raises(BadDataError, match="finite number"):
        write_evidence(tmp_path / "evidence.json", document)
    assert list(tmp_path.iterdir()) == []
