"""The protocol in miniature, from a folder of images and from a pipeline with patches."""

import json
import shutil

import pytest

from slug_lightning.canvas.protocol import FOLDER, load_protocol
from slug_lightning.canvas.results import TargetResult
from slug_lightning.cli import main
from slug_lightning.miniature.diffusion.references import write_references
from slug_lightning.miniature.recipe import WorldRecipe
from slug_lightning.miniature.world import build_world
from tests.helpers import fit

SMALL_WORLD = WorldRecipe(
    scans=300, search_scans=60, final_scans=80, search_styles=2, pairs_per_shard=400, forget_pairs=48
)
MINIATURE = ["--style_classifier", "miniature", "--object_classifier", "miniature", "--fid", "miniature"]


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    """The miniature protocol with one seed and five steps."""
    content = json.loads((FOLDER / "miniature.json").read_text())
    path = tmp_path_factory.mktemp("protocol") / "short.json"
    path.write_text(json.dumps({**content, "seeds": [188], "steps": 5, "references": 2}))
    return path


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return write_references(tmp_path_factory.mktemp("data") / "references", 3)


@pytest.fixture
def answers(protocol, references, tmp_path):
    """Drawings as answers, those of seven replaced by threes: a model that forgot seven."""
    benchmark = load_protocol(protocol)
    for name, forgotten in (("original", None), ("seven", "seven")):
        folder = tmp_path / "answers" / name
        folder.mkdir(parents=True)
        for cell in benchmark.cells():
            theme, thing = benchmark.themes[cell.theme], benchmark.objects[cell.object]
            shown = "three" if thing == forgotten else thing
            shutil.copy(references / theme / shown / "3.jpg", folder / benchmark.file_name(cell))
    return tmp_path / "answers"


def canvas(protocol, out, *more):
    return main(["canvas", "--protocol", str(protocol), *MINIATURE, "--out", str(out), *more])


def test_images_of_a_folder_are_judged_once(protocol, references, answers, tmp_path, capsys):
    words = ["--targets", "[seven]", "--images", f"{answers}/{{target}}", "--references", str(references)]
    out = tmp_path / "out"
    assert canvas(protocol, out, *words, "--method", "made up") == 0
    result = TargetResult.load(out / "results" / "seven.json")
    assert result.figures["UA"] == 1.0
    assert result.figures["IRA"] > 0.9
    assert result.figures["CRA"] > 0.9
    assert result.images == 100
    table = (out / "canvas.md").read_text()
    assert "| **made up** |  |  |  | 100.00 |" in table
    assert "| **before unlearning** |  |  |  | 0.00 |" in table
    assert "| SalUn | 86.26 |" in table
    document = json.loads((out / "canvas.json").read_text())
    assert document["rows"]["made up"]["object"]["UA"] == 1.0
    assert document["failed"] == {}
    stamp = (out / "counts" / "seven.json").stat().st_mtime_ns
    assert canvas(protocol, out, *words, "--method", "made up") == 0
    assert (out / "counts" / "seven.json").stat().st_mtime_ns == stamp  # nothing is looked at again
    assert (out / "canvas.md").read_text() == table
    other = {**json.loads((out / "results" / "seven.json").read_text()), "target": "three", "setting": "x"}
    (out / "results" / "three.json").write_text(json.dumps(other))  # of other classifiers
    (answers / "seven" / "ink_drawing_two_seed188.jpg").write_bytes(
        (answers / "seven" / "ink_drawing_one_seed188.jpg").read_bytes()
    )
    assert canvas(protocol, out, *words) == 0
    changed = TargetResult.load(out / "results" / "seven.json")
    assert changed.figures["IRA"] < result.figures["IRA"]
    assert [row["target"] for row in json.loads((out / "canvas.json").read_text())["targets"]] == ["seven"]


def test_a_target_that_cannot_be_measured_does_not_lose_the_rest(
    protocol, references, answers, tmp_path, capsys
):
    words = [
        "--targets",
        "[three, seven]",
        "--images",
        f"{answers}/{{target}}",
        "--references",
        str(references),
    ]
    assert canvas(protocol, tmp_path / "out", *words) == 2
    assert "slug: three: Expected 100 images of 'miniature'" in capsys.readouterr().err
    document = json.loads((tmp_path / "out" / "canvas.json").read_text())
    assert [result["target"] for result in document["targets"]] == ["seven"]
    assert "100 are not there" in document["failed"]["three"]


def test_results_of_two_methods_are_in_no_mean_together(protocol, references, answers, tmp_path):
    words = ["--images", f"{answers}/{{target}}", "--references", str(references), "--original", "false"]
    out = tmp_path / "out"
    shutil.copytree(answers / "seven", answers / "three", dirs_exist_ok=True)
    assert canvas(protocol, out, *words, "--targets", "[three]", "--method", "one") == 0
    assert canvas(protocol, out, *words, "--targets", "[seven]", "--method", "other") == 0
    document = json.loads((out / "canvas.json").read_text())
    assert [result["target"] for result in document["targets"]] == ["seven"]
    shutil.rmtree(answers / "three")


def test_an_original_that_cannot_be_judged_does_not_lose_the_table(protocol, references, answers, tmp_path):
    words = ["--images", f"{answers}/{{target}}", "--references", str(references), "--targets", "[seven]"]
    shutil.copytree(answers, tmp_path / "mine")
    shutil.rmtree(tmp_path / "mine" / "original")
    words[1] = f"{tmp_path}/mine/{{target}}"
    assert canvas(protocol, tmp_path / "out", *words) == 2
    document = json.loads((tmp_path / "out" / "canvas.json").read_text())
    assert [result["target"] for result in document["targets"]] == ["seven"]
    assert list(document["failed"]) == ["original"]


def test_what_every_target_lacks_is_said_before_the_first(protocol, tmp_path, capsys):
    words = ["--pipeline", "miniature", "--targets", "[seven]", "--references", str(tmp_path / "nowhere")]
    out = tmp_path / "out"
    assert canvas(protocol, out, *words, "--patches", "one/patch.safetensors") == 2
    assert "--patches to hold {target}" in capsys.readouterr().err
    assert canvas(protocol, out, *words, "--patches", "runs/{target}/patch.safetensors") == 2
    assert "reference images named like" in capsys.readouterr().err
    assert not (out / "images").exists()


@pytest.mark.slow
def test_the_protocol_in_miniature_with_patches_of_a_style_and_of_a_digit(tmp_path, protocol, capsys):
    """CI's run of the whole: patches, drawn images, counts, FID, cost, table; a killed run goes on."""
    host = ["--model.host", "stable-diffusion-1", "--data.retain_limit", "320"]
    for kind, concept in (("digits", "seven"), ("styles", "chalk drawing")):
        world = build_world(tmp_path / kind, SMALL_WORLD, concepts=kind)
        aliases = json.dumps(list(world.aliases(concept)))
        out = tmp_path / "fits" / kind
        fit(world.root, out, "--data.concept", concept, "--data.aliases", aliases, *host)
        shutil.copytree(out / "runs", tmp_path / "runs", dirs_exist_ok=True)
    words = ["--pipeline", "miniature", "--patches", f"{tmp_path}/runs/{{target}}/*/patch.safetensors"]
    words += ["--targets", "[seven, chalk_drawing]", "--references", "miniature", "--draw_batch", "50"]
    out = tmp_path / "out"
    assert canvas(protocol, out, *words) == 0
    images = {path: path.read_bytes() for path in (out / "images").rglob("*.jpg")}
    assert len(images) == 300
    table = (out / "canvas.md").read_text()
    for target in ("seven", "chalk_drawing"):
        result = TargetResult.load(out / "results" / f"{target}.json")
        assert result.patched
        assert result.cost.seconds > 0
        assert 0 < result.cost.storage_gb < 0.001
        assert result.fid > 0
        assert result.by_style.keys() == set(load_protocol(protocol).themes)
    for path in list(images)[::7]:  # a run that was killed in the middle
        path.unlink()
    for counts in (out / "counts").glob("*.json"):
        counts.unlink()
    assert canvas(protocol, out, *words) == 0
    assert {path: path.read_bytes() for path in (out / "images").rglob("*.jpg")} == images
    assert (out / "canvas.md").read_text() == table
