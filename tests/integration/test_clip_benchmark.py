"""The actual clip_benchmark evaluates a model that `slug apply` wrote, and counts what we count."""

import csv
import json
from pathlib import Path

import pytest
import torch

from slug_lightning.cli import main
from slug_lightning.models import load_clip
from slug_lightning.patch import Patch
from tests.helpers import fit
from tests.patch.conftest import ABOUT
from tests.tools import run_tool
from tests.wds_set import TEMPLATES, style_names, styles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the tools import torch several times

# Writes the set with the tool's own exporter, as lossless WebP, which is its default.
EXPORT = """
import json, sys
from PIL import Image
from clip_benchmark.webdataset_builder import PIL_to_bytes, convert_dataset

class Images(list): ...

about = json.load(open(sys.argv[1]))
images = Images([(Image.open(path), label) for path, label in about["images"]])
images.classes, images.templates = about["classes"], about["templates"]
convert_dataset(images, "test", sys.argv[2], transform=PIL_to_bytes("webp"), max_count=60)
"""


@pytest.fixture(scope="module")
def wds(tiny_world, tmp_path_factory):
    """Styles with fewer and fewer images, so that per-class recall and accuracy are not the same."""
    folder, kept = tmp_path_factory.mktemp("set"), []
    for label in range(10):
        kept += [(str(path), label) for path, own in styles(tiny_world) if own == label][: 20 - label]
    about = {"images": kept, "classes": style_names(tiny_world), "templates": TEMPLATES}
    (folder / "about.json").write_text(json.dumps(about))
    run_tool("python", "-c", EXPORT, "about.json", "wds_styles", cwd=folder)
    assert (folder / "wds_styles" / "test" / "nshards.txt").read_text() == "3\n"
    return folder / "wds_styles"


def strong_patch(path: Path) -> Path:
    """An edit that ruins a third of the figures: where all is right, agreement shows little."""
    clip, layer = load_clip("miniature"), "visual.transformer.resblocks.0.mlp.c_fc.weight"
    weight = dict(clip.model.named_parameters())[layer].detach()
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(3))
    step = 4 * float(weight.norm() / direction.norm())
    Patch.create(clip.model, layer, direction, step, {**ABOUT, "base_model": "miniature"}).save(path)
    return path


@pytest.mark.parametrize("kind", ["of a run", "strong"])
def test_it_counts_what_we_count(kind, tiny_run, tiny_world, wds, tmp_path):
    patch = tiny_run / "patch.safetensors" if kind == "of a run" else strong_patch(tmp_path / "p.safetensors")
    model = tmp_path / "model"
    assert main(["apply", "--patch", str(patch), "--out", str(model)]) == 0
    words = [
        "--model",
        "local-dir:.",
        "--pretrained",
        "",
        "--dataset",
        "wds/styles",
        "--dataset_root",
        str(wds),
    ]
    options = ["--no_amp", "--num_workers", "0", "--output", str(tmp_path / "theirs.json")]
    run_tool("clip_benchmark", "eval", *words, *options, cwd=model)
    theirs = json.loads((tmp_path / "theirs.json").read_text())

    extra = ["--data.extra", json.dumps([{"name": "styles", "root": str(wds)}]), "--clip_benchmark", "true"]
    applied = fit(
        tiny_world, tmp_path / "a", "--model.model", f"local-dir:{model}", *extra, command="validate"
    )
    patched = fit(tiny_world, tmp_path / "b", "--patch", str(patch), *extra, command="validate")
    ours = json.loads((applied / "clip_benchmark" / "styles.json").read_text())

    assert set(ours) == {*theirs, "images"}
    assert all(ours[key] == theirs[key] for key in ("dataset", "task", "language"))
    assert ours["images"] == 155
    for key in ("acc1", "acc5"):
        counts = [round(result["metrics"][key] * 155, 6) for result in (ours, theirs)]
        assert counts[0] == counts[1] == int(counts[0])
    assert ours["metrics"] == pytest.approx(theirs["metrics"], abs=1e-9)
    assert ours["metrics"] == json.loads((patched / "clip_benchmark" / "styles.json").read_text())["metrics"]
    if kind == "strong":
        assert 0.2 < ours["metrics"]["acc1"] < 0.8
        assert abs(ours["metrics"]["acc1"] - ours["metrics"]["mean_per_class_recall"]) > 1e-3

    run_tool("clip_benchmark", "build", "theirs.json", str(applied / "clip_benchmark"), cwd=tmp_path)
    with (tmp_path / "benchmark.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "wds/styles"]
    assert [float(row["acc1"]) for row in rows] == [theirs["metrics"]["acc1"]] * 2
