import hashlib

import pytest

from slug_lightning.errors import BadDataError, DataNotFoundError
from slug_lightning.reports.audit_file import write_audit
from slug_lightning.reports.contents import read_contents
from tests.reports.audit_document import make_audit


def test_everything_is_read_and_every_file_has_its_digest(run_dir):
    contents = read_contents(run_dir)
    assert contents.report["concept"] == "seven"
    assert contents.layers
    assert contents.search
    assert contents.evidence is not None
    assert contents.audit is None
    assert len(contents.shards["forget"]) == 15
    assert contents.shards["forget"][3] == (f"{3:064x}", "00003.tar")
    assert contents.shards["retain"] == []
    for file in contents.files:
        content = (run_dir / file.name).read_bytes()
        assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert "report.json" in {file.name for file in contents.files}


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"No file 'report.json' in .* finished run of `slug fit`"):
        read_contents(tmp_path)


def test_a_patch_that_is_not_that_of_the_report_is_refused(run_dir):
    (run_dir / "patch.safetensors").write_bytes(b"another")
    with pytest.raises(BadDataError, match=r"patch.safetensors .* put the patch of this run back"):
        read_contents(run_dir)


def test_a_run_without_its_patch_can_be_reported_on(run_dir):
    assert read_contents(run_dir).file("patch.safetensors") is None


def test_a_shard_list_of_another_run_is_refused(run_dir):
    (run_dir / "forget.sha256").write_text("0" * 64 + "  00000.tar\n")
    with pytest.raises(BadDataError, match=r"forget.sha256 .* files of one run"):
        read_contents(run_dir)


def test_an_audit_is_read_if_it_is_there_and_refused_if_it_is_broken(run_dir):
    write_audit(run_dir / "audit.json", make_audit())
    assert read_contents(run_dir).audit["concept"] == make_audit()["concept"]
    (run_dir / "audit.json").write_text("{")
    with pytest.raises(BadDataError, match=r"audit.json .* not valid JSON"):
        read_contents(run_dir)
