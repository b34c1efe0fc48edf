import dataclasses

import pytest

from slug_lightning.reports.contents import read_contents
from slug_lightning.reports.document import sections
from tests.reports.run_directory import write_run


@pytest.fixture
def contents(run_dir):
    return read_contents(run_dir, "DSR-2026-014")


def facts(blocks):
    return {row[0]: row[1] for block in blocks for row in getattr(block, "rows", ())}


def test_the_request_names_reference_concept_model_and_criterion(contents):
    told = facts(sections.request(contents))
    assert told["Reference"] == "DSR-2026-014"
    assert told["Concept"] == "seven"
    assert told["Criterion"].replace("\u00a0", " ") == (
        "concept recognised, top-1 at or below 0.0 % (measured on: search)"
    )
    assert "Reference" not in facts(sections.request(dataclasses.replace(contents, reference=None)))


def test_the_change_is_told_with_sizes_and_hashes(contents):
    told = facts(sections.change(contents))
    assert told["Shape"] == "192 x 64"
    assert "3.500, 50.0" in told["Size"]
    assert told["Layer before"] == f"`{'1a' * 32}`"
    assert told["Layer after"] == f"`{'3c' * 32}`"
    assert "the same before and after" in told["Vision tower"]
    assert "not in the folder" in told["Patch"]


def test_a_report_of_an_older_version_tells_what_it_knows(contents):
    report = {name: value for name, value in contents.report.items() if name != "change"}
    told = facts(sections.change(dataclasses.replace(contents, report=report)))
    assert "Layer before" not in told
    assert told["Tower"] == "text"


def test_figures_have_intervals_and_changes(contents):
    row = sections.measured(contents)[0].rows[0]
    assert [cell.replace("\u00a0", " ") for cell in row] == [
        "concept recognised, top-1 (low is good)", "54",
        "98.1 %\n90.2 to 99.7", "0.0 %\n0.0 to 6.6", "\u221298.1",
    ]  # fmt: skip


def test_the_commands_repeat_and_check(contents):
    text = " ".join(getattr(block, "text", "") for block in sections.repeat(contents))
    assert "slug fit --config configs/miniature.yaml --model.concept seven" in text
    assert "(cd FORGET_SHARDS && sha256sum --check RUN/forget.sha256)" in text
    assert "slug validate --config RUN/config.yaml --patch RUN/patch.safetensors" in text


@pytest.mark.parametrize(
    "command", ["slug fit --data.left_out '[\"Ada Example\"]'", "slug fit --data.aliases " + "Ada," * 1000]
)
def test_the_requests_beside_this_one_are_not_named(contents, command):
    other = dataclasses.replace(contents, report={**contents.report, "command": command})
    text = " ".join(getattr(block, "text", "") for block in sections.repeat(other))
    assert "slug fit --config RUN/config.yaml" in text
    assert "Ada" not in text


def test_nothing_feasible_offers_nothing_to_apply(tmp_path):
    contents = read_contents(write_run(tmp_path, feasible=False))
    assert sections.change(contents)[0].text.startswith("Nothing.")
    assert "patch" not in " ".join(getattr(block, "text", "") for block in sections.repeat(contents))
    assert sections.measured(contents)[0].rows[0][3:] == ["not edited", "\u2013"]
    assert sections.summary(contents)[0].tone == "unmet"


def test_cost_says_where_gradients_came_from(contents):
    assert facts(sections.cost(contents))["Gradients"].startswith("3.21")
    efficiency = {**contents.report["efficiency"], "gradients_from": "20260101-000000"}
    earlier = dataclasses.replace(contents, report={**contents.report, "efficiency": efficiency})
    assert facts(sections.cost(earlier))["Gradients"] == "of run 20260101-000000"


def test_files_and_environment_are_listed(contents):
    names = [row[0] for row in sections.files(contents)[0].rows]
    assert "`report.json`" in names
    assert facts(sections.environment(contents))["torch"] == "2.15.0"
