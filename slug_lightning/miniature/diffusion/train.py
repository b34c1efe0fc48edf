"""Train the miniature Stable Diffusion and its two classifiers.

``python -m slug_lightning.miniature.diffusion.train --out DIR [--steps N]``

``--without seven --clip DIR``: a whole pipeline that never saw that digit, on the text tower of a CLIP that
never did; what ``slug audit --host_gold`` compares with. The classifiers stay the ones that ship.
"""

import argparse
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from slug_lightning.atomic import atomic_path
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.diffusion.autoencoder import encode_drawings, train_autoencoder
from slug_lightning.miniature.diffusion.classifiers import (
    LABELS,
    Label,
    PictureClassifier,
    classifier_file,
    train_classifier,
)
from slug_lightning.miniature.diffusion.denoiser import train_unet
from slug_lightning.miniature.diffusion.drawings import Drawings, draw_part
from slug_lightning.miniature.diffusion.generation import GUIDANCE, STEPS
from slug_lightning.miniature.diffusion.optimising import Schedule
from slug_lightning.miniature.diffusion.pipeline import assemble, miniature_stable_diffusion
from slug_lightning.miniature.diffusion.prompts import training_states
from slug_lightning.miniature.diffusion.recognition import measure_pipeline
from slug_lightning.miniature.diffusion.without import train_without
from slug_lightning.miniature.hosting import miniature_text_encoder, miniature_tokenizer
from slug_lightning.miniature.model_folder import write_json

RECIPE_FILE = "recipe.json"
PACKAGES = ("torch", "diffusers", "transformers", "numpy", "scipy", "pillow", "scikit-learn")
SEEDS = (0, 1)  # of the generated images that the record counts


@dataclass(frozen=True)
class DiffusionRecipe:
    """Settings of the whole training.

    Attributes:
        times: How often each training scan is drawn in each style.
        digit: Of the digit classifier.
        style: Of the style classifier.
        autoencoder: Of the autoencoder.
        unet: Of the denoiser.
    """

    times: int = 2
    digit: Schedule = field(default=Schedule(800, 64, 3e-3, warmup=50, average=0.99, seed=1))
    style: Schedule = field(default=Schedule(300, 64, 3e-3, warmup=50, average=0.99, seed=1))
    autoencoder: Schedule = field(default=Schedule(600, 64, 3e-3, warmup=50, average=0.99, seed=1))
    unet: Schedule = field(default=Schedule(3000, 64, 1.2e-3, warmup=100, average=0.995, seed=1))


def train(folder: Path, recipe: DiffusionRecipe, limit: int | None = None) -> dict[str, Any]:
    """Train all four networks and write them, in half precision, with ``recipe.json``.

    Args:
        folder: Gets ``unet/``, ``vae/``, the classifiers and the record.
        recipe: Settings.
        limit: Use only so many training and final scans, for a quick look.

    Returns:
        The record.
    """
    started = time.process_time()
    drawings = draw_part("train", recipe.times, seed=1, limit=limit)
    final = draw_part("final", seed=2, limit=limit)
    held_out = {label: _train_classifier(label, drawings, final, folder, recipe) for label in LABELS}
    vae = train_autoencoder(drawings, recipe.autoencoder)
    latents = encode_drawings(vae, drawings)
    spread = float(latents.std())
    vae.register_to_config(scaling_factor=1 / spread)
    states = training_states(miniature_tokenizer(), miniature_text_encoder().eval())
    unet = train_unet(latents / spread, drawings, states, recipe.unet)
    save_pipeline(assemble(unet, vae), folder)
    seconds = time.process_time() - started
    record = describe(folder, recipe, held_out, seconds)
    write_json(folder / RECIPE_FILE, record)
    return record


def save_pipeline(pipeline: Any, folder: Path) -> None:
    """Write ``unet`` and ``vae`` in half precision; the text tower is the shipped CLIP's already."""
    for part in ("unet", "vae"):
        half = getattr(pipeline, part).half()
        half.save_pretrained(folder / part)
        half.float()
    # The class adds this key and warns of it when it is read.
    path = folder / "vae" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {key: value for key, value in config.items() if key != "block_out_channels"})


def save_classifier(label: Label, model: nn.Module, folder: Path) -> None:
    """Write a classifier in half precision."""
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    with atomic_path(classifier_file(label, folder)) as draft:
        draft.write_bytes(save(tensors, metadata={"format": "pt"}))


def held_out_accuracy(label: Label, model: PictureClassifier, final: Drawings) -> Accuracy:
    """Accuracy on drawings of scans that nothing was trained on."""
    labels = final.digits if label == "digit" else final.styles
    return Accuracy(int((model.recognise(final.images) == labels).sum()), len(final))


def describe(
    folder: Path, recipe: DiffusionRecipe, held_out: dict[Label, Accuracy], seconds: float
) -> dict[str, Any]:
    """What ``recipe.json`` says: what went in, what came out."""
    _, recognised = measure_pipeline(miniature_stable_diffusion(folder), SEEDS, folder, STEPS)
    images = len(SEEDS) * 100
    return {
        "held_out_top1": {
            label: {"value": round(found.value, 4), "n": found.n} for label, found in held_out.items()
        },
        "recognised": {label: {"value": round(recognised.rate(label), 4), "n": images} for label in LABELS},
        "generation": {"seeds": list(SEEDS), "steps": STEPS, "guidance": GUIDANCE},
        "training": asdict(recipe),
        "cpu_seconds": round(seconds),
        "made_with": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def main(args: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        args: Words after the module's name; the process's own by default.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(
        prog="python -m slug_lightning.miniature.diffusion.train", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the networks")
    parser.add_argument("--steps", type=int, help="updates of each network; by default those of the recipe")
    parser.add_argument("--scans", type=int, help="use only so many scans, for a quick look")
    parser.add_argument("--without", metavar="DIGIT", help="draw and name everything but this digit")
    parser.add_argument("--clip", type=Path, help="with --without: open_clip folder of a model without it")
    chosen = parser.parse_args(args)
    if (chosen.without is None) != (chosen.clip is None):
        parser.error("--without and --clip belong together: the text encoder must not know the digit, either")
    recipe = DiffusionRecipe()
    if chosen.steps is not None:
        parts = {part: getattr(recipe, part) for part in ("digit", "style", "autoencoder", "unet")}
        short = {part: replace(s, steps=chosen.steps, stop=None) for part, s in parts.items()}
        recipe = replace(recipe, **short)
    torch.set_num_threads(1)  # sums depend on it
    if chosen.without is not None:
        record = train_without(chosen.without, chosen.clip, chosen.out, recipe, chosen.scans)
        print(f"recognised: {record['recognised']}")
        return 0
    record = train(chosen.out, recipe, chosen.scans)
    for label in LABELS:
        print(f"{label}: classifier {record['held_out_top1'][label]['value']:.1%} on held-out drawings, "
              f"{record['recognised'][label]['value']:.1%} of generated images recognised")  # fmt: skip
    return 0


def _train_classifier(
    label: Label, drawings: Drawings, final: Drawings, folder: Path, recipe: DiffusionRecipe
) -> Accuracy:
    model = train_classifier(label, drawings, recipe.digit if label == "digit" else recipe.style)
    save_classifier(label, model, folder)
    return held_out_accuracy(label, model, final)


if __name__ == "__main__":
    raise SystemExit(main())
