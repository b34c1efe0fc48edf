import json
from types import SimpleNamespace

import pytest

from slug_lightning.callbacks.clip_benchmark import write_results
from slug_lightning.metrics import Accuracy
from tests.helpers import fit, words

KEYS = {
    "dataset",
    "model",
    "pretrained",
    "task",
    "metrics",
    "language",
}  # what the tool writes, version 1.6.2


def written(folder, classes=(10, 1000, 5, 4), patch=None):
    names = ["forget", "imagenet", "pets", "sides"]
    data = SimpleNamespace(
        class_names=dict(zip(["identities", *names[1:]], map(range, classes), strict=True)).get,
        classifier_of=lambda dataset: "identities" if dataset == "forget" else dataset,
    )
    module = SimpleNamespace(
        load=lambda: SimpleNamespace(name="ViT-B-32-quickgelu/laion400m_e32"),
        patch_name=patch,
        datasets=lambda split: [*names, "empty"],
        data=data,
        class_recall={name: [0.25, 0.75] for name in names},
    )
    metrics = {
        "forget/top1": Accuracy(1, 4),
        "forget/top5": Accuracy(2, 4),
        "retain/empty_top1": Accuracy(0, 0),
    }
    metrics |= {"retain/imagenet_top1": Accuracy(3, 5), "retain/imagenet_top5": Accuracy(4, 5)}
    metrics |= {"retain/pets_top1": Accuracy(1, 2), "retain/sides_top1": Accuracy(1, 3)}
    return {path.stem: json.loads(path.read_text()) for path in write_results(module, metrics, folder)}


def test_the_form_is_that_of_the_tool_with_the_number_of_images_beside_it(tmp_path):
    found = written(tmp_path)
    assert set(found) == {"forget", "imagenet", "pets", "sides"}  # nothing of a set without images
    assert all(set(result) == {*KEYS, "images"} for result in found.values())
    assert found["imagenet"] == {
        "dataset": "imagenet1k",
        "model": "ViT-B-32-quickgelu",
        "pretrained": "laion400m_e32",
        "task": "zeroshot_classification",
        "metrics": {"acc1": 0.6, "acc5": 0.8, "mean_per_class_recall": 0.25},
        "language": "en",
        "images": 5,
    }
    assert [found[name]["dataset"] for name in ("forget", "pets")] == ["slug/forget", "wds/pets"]


def test_top_5_of_five_classes_is_one_and_of_fewer_is_null(tmp_path):
    found = written(tmp_path)
    assert found["pets"]["metrics"]["acc5"] == 1.0
    assert found["sides"]["metrics"]["acc5"] is None


def test_a_patched_model_has_another_name(tmp_path):
    assert written(tmp_path, patch="runs/x/patch.safetensors")["pets"]["pretrained"] == (
        "laion400m_e32+runs/x/patch.safetensors"
    )


def test_validate_writes_it_on_request(tiny_world, tmp_path):
    run = fit(tiny_world, tmp_path, "--clip_benchmark", "true", command="validate")
    figures = json.loads((run / "metrics.json").read_text())["metrics"]
    files = {path.stem: json.loads(path.read_text()) for path in (run / "clip_benchmark").iterdir()}
    assert set(files) == {"forget", "identities", "imagenet"}
    found = files["imagenet"]
    assert (found["model"], found["pretrained"], found["dataset"]) == ("miniature", "", "slug/imagenet")
    for key, k in (("acc1", 1), ("acc5", 5)):
        assert found["metrics"][key] == figures[f"retain/imagenet_top{k}"]["value"]
    # as many images of each style, so each class counts as much as its images
    assert found["metrics"]["mean_per_class_recall"] == pytest.approx(found["metrics"]["acc1"], abs=1e-12)
    assert files["forget"]["metrics"]["mean_per_class_recall"] == files["forget"]["metrics"]["acc1"]


def test_a_search_has_no_figures_of_one_model(tiny_run, tiny_world, tmp_path, capsys):
    from slug_lightning.cli import main

    gradients = ["--gradients", str(tiny_run / "gradients.safetensors"), "--clip_benchmark", "true"]
    assert main(words(tiny_world, tmp_path, *gradients, command="validate")) == 2
    assert "--clip_benchmark without --gradients" in " ".join(capsys.readouterr().err.split())
