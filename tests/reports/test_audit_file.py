import copy

import pytest

from slug_lightning.errors import BadDataError, DataNotFoundError
from slug_lightning.reports.audit_file import compare, read_audit, summarise_forget, write_audit
from tests.reports.audit_document import HOST, make_audit


def test_reads_what_it_wrote(tmp_path):
    document = make_audit()
    write_audit(tmp_path / "audit.json", document)
    assert read_audit(tmp_path / "audit.json") == document


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d.pop("gold"), "gold"),
        (lambda d: d.update(step=0), "step"),
        (lambda d: d["hosts"]["clip"]["attacks"]["standing"].pop("definition"), "definition"),
        (
            lambda d: d["hosts"]["clip"]["attacks"]["standing"]["figures"][0].update(version="later"),
            "version",
        ),
        (
            lambda d: d["hosts"]["clip"]["attacks"]["standing"]["figures"][0].update(value=0.1),
            "interval around",
        ),
        (
            lambda d: d["hosts"]["clip"]["attacks"]["standing"]["figures"][0].update(value=float("nan")),
            "finite",
        ),
    ],
)
def test_a_document_that_breaks_its_contract_is_refused(tmp_path, change, place):
    document = copy.deepcopy(make_audit())
    change(document)
    with pytest.raises(BadDataError, match=rf"audit.json breaks its contract at .*{place}"):
        write_audit(tmp_path / "audit.json", document)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"audit.json"):
        read_audit(tmp_path / "audit.json")


def test_versions_stand_side_by_side():
    (row,) = compare(make_audit()["hosts"]["clip"]["attacks"]["standing"])
    assert list(row.by_version) == ["before", "after", "gold"]


def test_the_summary_takes_the_worst_wording_and_the_last_update():
    rows = dict(summarise_forget(make_audit()["hosts"]["clip"]["attacks"]))
    assert rows["sentence “a {}.”"].condition == "template: a {}."
    assert rows["4 forget pairs, 20 updates"].by_version["after"]["value"] == 0.82
    on_host = summarise_forget(make_audit(host=True)["hosts"][HOST]["attacks"])
    assert [label for label, _ in on_host] == list(rows)
    assert {row.metric for _, row in on_host} == {"forget/host", "probe/concept"}
    assert list(rows) == [
        "no attack",
        "retain pairs alone, 20 updates",
        "4 forget pairs, 20 updates",
        "sentence “a {}.”",
        "misspelled “svn”",
        "probe: linear",
    ]
