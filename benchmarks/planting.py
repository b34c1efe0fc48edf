"""A ViT-B-32 without pretrained weights that still recognises something.

At random initialisation zero-shot accuracy is chance and every image is taken for the same class: a search
for the step at which a concept is no longer recognised would be empty. So one matrix, the projection of the
vision tower, is fitted by ridge regression such that most search images land near the embedding of their own
name. All other weights stay random; the cost of every operation is that of the real architecture.
"""

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.setting import Setting
from benchmarks.world import names
from slug_lightning.atomic import atomic_folder, write_text
from slug_lightning.data.evaluation import evaluation_loader
from slug_lightning.data.labelled import LabelledImages
from slug_lightning.functional import class_embeddings
from slug_lightning.models import Clip, load_clip, text_tower

ARCHITECTURE = "ViT-B-32"


def build_model(folder: Path, world: Path, seed: int = 0, ridge: float = 1e-4) -> Path:
    """Write the model as a folder for ``local-dir:``, unless it is there.

    Args:
        folder: Where to.
        world: Data whose search images it is to recognise.
        seed: Of the random weights.
        ridge: Weight of the penalty, relative to the mean eigenvalue; more means fewer images recognised.
    """
    if folder.is_dir():
        return folder
    with atomic_folder(folder) as draft:
        _write_random(draft, seed)
        clip = load_clip(f"local-dir:{draft}")
        setting = Setting(str(world), "", names(1, seed)[0])
        sets = {
            "identity": setting.people("search", clip.preprocess),
            setting.templates: setting.classes("search", clip.preprocess),
        }
        with torch.no_grad():
            found = [_examples(clip, images, setting.prompts(images, c)) for c, images in sets.items()]
            features, targets = (torch.cat(parts) for parts in zip(*found, strict=True))
            _visual(clip.model).proj.copy_(_ridge(features, targets, ridge))
        _save(clip.model, draft)
    return folder


def _write_random(folder: Path, seed: int) -> None:
    import open_clip

    torch.manual_seed(seed)
    model = open_clip.create_model(ARCHITECTURE)
    config = {
        "model_cfg": open_clip.get_model_config(ARCHITECTURE),
        "preprocess_cfg": {"mean": OPENAI_DATASET_MEAN, "std": OPENAI_DATASET_STD},
    }
    write_text(folder / "open_clip_config.json", json.dumps(config, indent=1))
    _save(model, folder)


def _save(model: nn.Module, folder: Path) -> None:
    weights = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors", metadata={"format": "pt"})


def _visual(model: nn.Module) -> Any:
    return model.visual


def _examples(clip: Clip, images: LabelledImages, prompts: list[list[str]]) -> tuple[Tensor, Tensor]:
    """What the vision tower's projection gets ``(N, width)``, and what it should give ``(N, D)``."""
    tower, visual = text_tower(clip.model), _visual(clip.model)
    heads = class_embeddings(torch.stack([tower(clip.tokenize(row)) for row in prompts]))
    apart = F.normalize(heads - heads.mean(dim=0), dim=-1)
    projection, visual.proj = visual.proj, None
    batches = list(evaluation_loader(images, 64))
    features = torch.cat([visual(batch["image"]) for batch in batches])
    visual.proj = projection
    return features, apart[torch.cat([batch["label"] for batch in batches])]


def _ridge(features: Tensor, targets: Tensor, ridge: float) -> Tensor:
    """Matrix ``(width, D)`` that takes features to targets."""
    x, y = features.double(), targets.double()
    gram = x.T @ x
    penalty = ridge * gram.diagonal().mean()
    gram.diagonal().add_(penalty)
    solution: Tensor = torch.linalg.solve(gram, x.T @ y)
    return solution.float()
