import pytest

from slug_lightning.reports.audit_file import write_audit
from slug_lightning.reports.contents import read_contents
from slug_lightning.reports.document.blocks import Cards, Heading, Picture
from slug_lightning.reports.document.compose import MOST_LAYERS, compose
from slug_lightning.reports.tables import write_search
from tests.reports.audit_document import make_audit
from tests.reports.run_directory import write_run

DRAWN = ("layers", "search", "similarity")


def chapters(blocks):
    return [block.text for block in blocks if isinstance(block, Heading) and block.level == 1]


def test_what_an_officer_asks_comes_in_order(run_dir):
    assert chapters(compose(read_contents(run_dir), DRAWN)) == [
        "Result", "Request", "What was changed", "Figures before and after", "Audit",
        "What this does not show", "Data used", "How layer and step were chosen", "What it looks like",
        "How to repeat and check it", "Cost", "Environment", "Files of the run", "All layers",
        "All evaluated points",
    ]  # fmt: skip


def test_the_audit_is_included_or_its_absence_said(run_dir):
    assert "This run was not audited" in str(compose(read_contents(run_dir), DRAWN))
    write_audit(run_dir / "audit.json", make_audit())
    text = str(compose(read_contents(run_dir), DRAWN))
    assert "This run was not audited" not in text
    assert "A verdict is a value held against a limit" in text


def test_pictures_and_samples_are_those_of_the_run(run_dir):
    blocks = compose(read_contents(run_dir), DRAWN)
    assert [block.name for block in blocks if isinstance(block, Picture)] == [*DRAWN]
    assert sum(len(block.cards) for block in blocks if isinstance(block, Cards)) == 6


def test_a_run_without_points_or_evidence_says_so(tmp_path):
    write_run(tmp_path, feasible=False, evidence=False)
    write_search(tmp_path / "search.csv", [])
    blocks = compose(read_contents(tmp_path), ["layers"])
    assert "No step was evaluated." in str(blocks)
    assert "kept no `evidence.json`" in str(blocks)
    assert "All evaluated points" not in chapters(blocks)


@pytest.mark.parametrize(("blocks", "left"), [(4, 0), (12, 39)])
def test_a_large_model_does_not_fill_the_document_with_layers(tmp_path, blocks, left):
    contents = read_contents(write_run(tmp_path, blocks=blocks))
    assert max(0, len(contents.layers) - MOST_LAYERS) == left
    assert (f"{left} more are in `layers.csv`." in str(compose(contents, DRAWN))) is bool(left)
