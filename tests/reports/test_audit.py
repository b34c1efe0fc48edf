from slug_lightning.reports.audit import audit_blocks
from slug_lightning.reports.audit_page import audit_view
from slug_lightning.reports.document.blocks import Heading, Picture, Table
from tests.reports.audit_document import HOST, make_audit


def test_verdicts_come_first_then_pictures_and_every_attack():
    document = make_audit()
    blocks, view = audit_blocks(document), audit_view(document)
    checks = blocks[1]
    assert isinstance(checks, Table)
    assert [row[-1] for row in checks.rows] == [check["verdict"] for check in view["checks"]]
    assert len([block for block in blocks if isinstance(block, Picture)]) == 4
    titles = [block.text for block in blocks if isinstance(block, Heading)]
    assert titles == [attack["title"] for attack in view["attacks"]]


def test_the_host_has_pictures_of_its_own_and_its_name_at_its_attacks():
    blocks = audit_blocks(make_audit(host=True))
    pictures = [block.name for block in blocks if isinstance(block, Picture)]
    assert pictures[4:] == ["host_audit_attacks", "host_audit_relearning", "host_audit_confusion"]
    titles = [block.text for block in blocks if isinstance(block, Heading)]
    assert f"On the host: {HOST}" in titles
    assert f"Training on ({HOST})" in titles
    assert f"`pipeline-without-seven`). Beside the CLIP itself, {HOST} was attacked" in blocks[0].text


def test_every_table_has_a_cell_for_each_column():
    for block in audit_blocks(make_audit()):
        if isinstance(block, Table):
            assert len(block.align) == len(block.widths) == len(block.columns)
            assert {len(row) for row in block.rows} == {len(block.columns)}


def test_without_a_gold_standard_it_says_so():
    text = audit_blocks(make_audit(gold=False))[0].text
    assert "limits that need one have no value" in text
    assert "limits that need one" not in audit_blocks(make_audit())[0].text
