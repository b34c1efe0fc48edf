"""An audit of a real run of the whole miniature world."""

import pytest

from slug_lightning.cli import main
from slug_lightning.miniature.world import build_world
from slug_lightning.models.loading import miniature_folder
from slug_lightning.reports.audit_file import compare, read_audit
from tests.helpers import fit

FAST = [
    *("--settings.relearning.pairs", "[0, 32]", "--settings.relearning.steps", "[0, 20]"),
    *("--settings.membership.repeats", "2"),
]


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """An audit of *seven*, forgotten by its text tower; the original itself stands in for a gold standard."""
    folder = tmp_path_factory.mktemp("audited")
    world = build_world(folder / "world").root
    text = ["--model.include", "[transformer.resblocks.*]", "--model.search.towers", "[text]"]
    run = fit(world, folder, "--data.retain_limit", "2048", *text)
    assert main(["audit", "--run", str(run), "--gold", str(miniature_folder()), *FAST]) == 0
    return read_audit(run / "audit.json")["hosts"]["clip"]["attacks"]


def value(attack, metric, condition, version, x=None):
    (found,) = [
        f["value"]
        for f in attack["figures"]
        if (f["metric"], f["condition"], f["version"], f.get("x")) == (metric, condition, version, x)
    ]
    return found


@pytest.mark.slow
def test_the_model_that_knows_the_concept_recognises_it_and_the_patched_one_does_not(audited):
    standing = audited["standing"]
    assert value(standing, "forget/top1", "no attack", "before") > 0.9
    assert value(standing, "forget/top1", "no attack", "after") < 0.1
    for row in compare(standing):
        assert row.by_version["gold"]["value"] == row.by_version["before"]["value"]


@pytest.mark.slow
def test_eight_bits_change_little_and_four_keep_most_of_the_update(audited):
    for version in ("before", "after"):
        plain = value(audited["standing"], "forget/top1", "no attack", version)
        assert value(audited["quantisation"], "forget/top1", "int8", version) == pytest.approx(plain, abs=0.1)
    assert value(audited["quantisation"], "update/kept", "int8", "after") == pytest.approx(1, abs=0.05)
    steps = [value(audited["quantisation"], "update/rounding_steps", s, "after") for s in ("int8", "int4")]
    assert steps[0] > 5 * steps[1]


@pytest.mark.slow
def test_forget_pairs_bring_it_back_sooner_than_unrelated_ones(audited):
    curve = audited["relearning"]
    unrelated = value(curve, "forget/top1", "retain pairs alone", "after", 20)
    related = value(curve, "forget/top1", "32 forget pairs", "after", 20)
    assert related > unrelated + 0.2
    knows = [value(curve, "forget/top1", "32 forget pairs", "gold", x) for x in (0, 20)]
    assert knows[0] > 0.9
    assert knows[1] >= related  # the same batches cost the model that knows it something, too


@pytest.mark.slow
def test_an_edit_of_the_text_tower_leaves_the_concept_in_the_images(audited):
    probes = audited["probe"]
    for condition in ("linear", "prototypes"):
        after = value(probes, "probe/concept", condition, "after")
        assert after == value(probes, "probe/concept", condition, "before") > 0.9


@pytest.mark.slow
def test_a_meaningless_name_finds_the_concept_by_elimination(audited):
    figures = [f for f in audited["wordings"]["figures"] if f["version"] == "after"]
    controls = [f["value"] for f in figures if f["condition"].startswith("control")]
    assert len(controls) == 5
    assert max(controls) > 0.5
