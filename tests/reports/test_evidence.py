import pytest

from slug_lightning.errors import BadDataError
from slug_lightning.reports.evidence import Evidence, read_evidence, write_evidence
from tests.reports.run_directory import DIGITS, make_evidence, make_image


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


def make_host(names=("six", "seven")):
    def cell(name, right):
        return {"row": name, "column": "ink", "image": make_image(3), "said": "six", "right": right}

    before, after = [cell(n, True) for n in names], [cell(n, n == "six") for n in names]
    return {"before": before, "after": after}


def test_a_hosts_examples_are_a_table(tmp_path):
    write_evidence(tmp_path / "evidence.json", {"format_version": 1, "host": make_host()})
    host = read_evidence(tmp_path / "evidence.json").host
    assert (host.rows, host.columns) == (("six", "seven"), ("ink",))
    assert [cell.right for cell in host.after] == [True, False]


def test_a_hosts_examples_must_be_the_same_cases(tmp_path):
    host = {"before": make_host()["before"], "after": make_host(["six", "one"])["after"]}
    write_evidence(tmp_path / "evidence.json", {"format_version": 1, "host": host})
    with pytest.raises(BadDataError, match="same rows and columns"):
        read_evidence(tmp_path / "evidence.json")


def test_an_image_from_elsewhere_is_refused(tmp_path):
    host = make_host()
    host["after"][0]["image"] = "https://example.org/x.png"
    with pytest.raises(BadDataError, match=r"host.*image"):
        write_evidence(tmp_path / "evidence.json", {"format_version": 1, "host": host})
