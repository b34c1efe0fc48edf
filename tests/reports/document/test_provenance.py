import dataclasses

from slug_lightning.reports.contents import Contents, read_contents
from slug_lightning.reports.document.blocks import Bullets, Heading, Table
from slug_lightning.reports.document.provenance import provenance, skipped


def told(contents: Contents) -> str:
    return str([dataclasses.asdict(block) for block in provenance(contents)])


def changed(contents: Contents, role: str, **entries: object) -> Contents:
    data = {**contents.report["data"], role: {**contents.report["data"][role], **entries}}
    return dataclasses.replace(contents, report={**contents.report, "data": data})


def test_pairs_shards_manifest_and_problems_are_told(run_dir):
    text = told(read_contents(run_dir))
    for wanted in ("2 no caption, 1 broken image", "00001.tar is truncated", "5e5e5e5e", "digests agree"):
        assert wanted in text


def test_the_first_shards_are_listed_and_the_rest_counted(run_dir):
    blocks = provenance(read_contents(run_dir))
    title = next(i for i, b in enumerate(blocks) if isinstance(b, Heading) and b.text.startswith("Shards"))
    table, note = blocks[title + 1 : title + 3]
    assert isinstance(table, Table)
    assert len(table.rows) == 12
    assert table.rows[1] == ["`00001.tar`", f"`{1:064x}`"]
    assert note.text.startswith("3 more are in `forget.sha256`")


def test_a_manifest_that_differs_is_not_passed_over(run_dir):
    contents = read_contents(run_dir)
    manifest = {**contents.report["data"]["forget"]["manifest"], "agrees": False}
    assert "does not name exactly the shards used" in told(changed(contents, "forget", manifest=manifest))
    assert "No manifest" in told(changed(contents, "forget", manifest=None))
    assert "manifest" not in told(contents).split("Curation of the forget")[0]  # the retain pairs do not say


def test_many_problems_are_cut_with_a_word(run_dir):
    contents = changed(read_contents(run_dir), "retain", problems=[f"shard {n}" for n in range(25)])
    last = [block for block in provenance(contents) if isinstance(block, Bullets)][-1]
    assert len(last.items) == 21
    assert last.items[-1] == "5 more are in report.json."


def test_images_behind_the_figures_are_counted_with_their_digests(run_dir):
    contents = read_contents(run_dir)
    sets = {"final/forget": {"images": 54, "digest": "6f" * 32}}
    for overlap, wanted in (("refuse", "No image file serves"), ("allow", "were allowed (`data.overlap`)")):
        report = {**contents.report, "evaluation": {"overlap": overlap, "sets": sets}}
        text = told(dataclasses.replace(contents, report=report))
        assert "6f6f6f6f" in text
        assert wanted in text


def test_skipped_pairs_without_reasons_are_a_number():
    assert skipped(3) == "3"
    assert skipped({}) == skipped({"excluded": 0}) == "none"
