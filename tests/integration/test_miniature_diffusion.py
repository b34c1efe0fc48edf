"""The claim, end to end: after `slug fit` the pipeline no longer draws the concept, and draws the rest."""

import json
from pathlib import Path

import pytest

from slug_lightning.miniature.diffusion.pipeline import miniature_stable_diffusion
from slug_lightning.miniature.diffusion.recognition import measure_pipeline
from slug_lightning.miniature.world import build_world
from slug_lightning.patch import Patch
from tests.helpers import fit

CONFIG = Path(__file__).parent.parent.parent / "configs" / "miniature_stable_diffusion.yaml"
# The layers of one block, not of all four: a quarter of the images.
BLOCK = ["--model.include", '["transformer.resblocks.0.*"]']


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "concept"), [("digits", "seven"), ("styles", "chalk drawing")])
def test_the_concept_is_no_longer_drawn_and_the_rest_is(tmp_path, kind, concept):
    world = build_world(tmp_path / "world", concepts=kind)
    aliases = json.dumps(list(world.aliases(concept)))
    more = ["--config", str(CONFIG), "--data.root", str(world.root), "--data.concept", concept]
    run = fit(world.root, tmp_path / "out", *more, "--data.aliases", aliases, *BLOCK)

    # 100 images of the concept and 180 of the rest, from noise that the search did not see.
    metrics = json.loads((run / "report.json").read_text())["metrics"]
    assert metrics["forget/host"]["before"]["value"] >= 0.9
    assert metrics["forget/host"]["after"]["value"] <= 0.1
    for name in ("retain/host_digit", "retain/host_style"):
        assert metrics[name]["before"]["value"] >= 0.9
        assert metrics[name]["after"]["value"] >= 0.9 * metrics[name]["before"]["value"]

    # The patch alone does it to a pipeline that is loaded anew, from other noise.
    pipeline, own = miniature_stable_diffusion(), "digit" if kind == "digits" else "style"
    with Patch.load(run / "patch.safetensors").applied(pipeline):
        _, found = measure_pipeline(pipeline, [7])
    assert found.rate(own, of=concept) <= 0.3  # ten images
    assert found.rate(own, without=concept) >= 0.9
