import json

import pytest
import torch

from slug_lightning.errors import BadDataError
from slug_lightning.patch import Patch
from slug_lightning.patch.card import figures_beside, model_card
from tests.patch.conftest import ABOUT
from tests.reports.run_directory import make_layers, make_report, make_search

BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
OWN = """---
license: creativeml-openrail-m
tags: [art]
model-index:
- name: x
  results: []
---
# Old

old text"""


@pytest.fixture
def report():
    return make_report(make_search(make_layers()))


def data_of(card):
    from huggingface_hub import ModelCard

    return ModelCard(card).data.to_dict()


def patch_like(report, model):
    header = {**ABOUT, "concept": report["concept"]}
    made = Patch.create(model, "visual.proj", torch.ones_like(model.visual.proj).detach(), 0.1, header)
    return Patch(made.update, {**made.header, "layer": report["layer"], "step": repr(report["step"])})


def test_figures_are_taken_from_the_report_of_this_very_edit(report, model, tmp_path):
    patch, file = patch_like(report, model), tmp_path / "patch.safetensors"
    assert figures_beside(file, patch) is None
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert figures_beside(file, patch) == report
    other = Patch(patch.update, {**patch.header, "step": "0.123"})
    assert figures_beside(file, other) is None
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(BadDataError, match="not valid JSON"):
        figures_beside(file, patch)


def test_the_card_says_what_how_with_which_figures_and_how_to_undo_it(report, model):
    patch = patch_like(report, model)
    card = model_card(
        patch, BASE, "load()", report, where="text_encoder", left_out=["old.bin"], library="diffusers"
    )
    for part in (
        BASE,
        "`seven`",
        f"`{patch.layer}` of `text_encoder`",
        "load()",
        "slug revert",
        "slug_undo/",
        "`old.bin`",
    ):
        assert part in card
    row = report["metrics"]["forget/top1"]
    assert f"| {100 * row['before']['value']:.1f}\u00a0%" in card
    assert f"| {100 * row['after']['value']:.1f}\u00a0%" in card
    assert f"| {row['before']['n']} |" in card
    assert "--force" not in card
    tags = ["slug_lightning", "machine-unlearning"]
    assert data_of(card) == {"base_model": BASE, "tags": tags, "library_name": "diffusers"}


def test_data_and_text_of_the_models_own_card_are_kept_its_results_are_not(patch):
    card = model_card(patch, "a folder", "load()", base_card=OWN)
    assert data_of(card) == {
        "license": "creativeml-openrail-m",
        "tags": ["art", "slug_lightning", "machine-unlearning"],
    }
    assert card.rstrip().endswith("# Old\n\nold text")
    assert "figures are not known" in card


def test_a_card_that_cannot_be_parsed_is_kept_as_text(patch):
    card = model_card(patch, BASE, "load()", base_card="---\n: [\n---\nold text")
    assert data_of(card)["base_model"] == BASE
    assert "old text" in card


def test_force_is_said_in_bold_with_what_it_has_overridden(patch):
    card = model_card(patch, BASE, "load()", forced=["Layer x is another."])
    assert "**Applied with `--force`" in card
    assert "- Layer x is another." in card


def test_a_concept_cannot_break_out_of_its_line(model):
    header = {**ABOUT, "concept": "a`\n# b"}
    patch = Patch.create(model, "visual.proj", torch.ones_like(model.visual.proj).detach(), 0.1, header)
    assert "without `a' # b`" in model_card(patch, BASE, "load()")
