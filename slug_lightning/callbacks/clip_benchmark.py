"""Figures of a run in the JSON form of CLIP_benchmark, one file a data set, so that its tools read them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slug_lightning.atomic import write_text
from slug_lightning.metrics import Accuracy
from slug_lightning.models.loading import split_name
from slug_lightning.unlearning.base import metric_name

FOLDER = "clip_benchmark"


def write_results(module: Any, metrics: Mapping[str, Accuracy], folder: Path) -> list[Path]:
    """Write ``clip_benchmark/<data set>.json`` for every data set that was measured.

    ``clip_benchmark build RUN/clip_benchmark`` makes a table of them, alone or together with its own.

    Args:
        module: The module, measured.
        metrics: Final figures of the model by metric name.
        folder: The run's folder.

    Returns:
        The files.
    """
    model, pretrained = split_name(module.load().name)
    tags = [tag for tag in (pretrained, module.patch_name) if tag]
    written = []
    for dataset in module.datasets("final"):
        if not metrics[metric_name(dataset, 1)].n:
            continue
        classes = len(module.data.class_names(module.data.classifier_of(dataset)))
        result = {
            "dataset": _name(dataset, classes),
            "model": model,
            "pretrained": "+".join(tags),
            "task": "zeroshot_classification",
            "metrics": _metrics(metrics, dataset, classes, module.class_recall[dataset][0]),
            "language": "en",
            "images": metrics[metric_name(dataset, 1)].n,
        }
        path = folder / FOLDER / f"{dataset}.json"
        write_text(path, json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        written.append(path)
    return written


def _metrics(
    metrics: Mapping[str, Accuracy], dataset: str, classes: int, recall: float
) -> dict[str, float | None]:
    """CLIP_benchmark counts top-5 from five classes on; its NaN for fewer, which is no JSON, is null here."""
    fifth = metrics.get(metric_name(dataset, 5))
    trivial = 1.0 if classes == 5 else None
    return {
        "acc1": metrics[metric_name(dataset, 1)].value,
        "acc5": trivial if fifth is None else fifth.value,
        "mean_per_class_recall": recall,
    }


def _name(dataset: str, classes: int) -> str:
    """What CLIP_benchmark calls the data set, or would."""
    if dataset == "imagenet" and classes == 1000:
        return "imagenet1k"
    return f"slug/{dataset}" if dataset in ("forget", "identities", "imagenet") else f"wds/{dataset}"
