"""Train the miniature LLaVA's projector and language model.

``python -m slug_lightning.miniature.llava.train --out DIR [--steps N]``
"""

import argparse
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.optimising import Schedule
from slug_lightning.miniature.llava.answers import interview
from slug_lightning.miniature.llava.chat import LABELS, new_processor
from slug_lightning.miniature.llava.host import miniature_llava, new_host, save_language
from slug_lightning.miniature.llava.training import train_language
from slug_lightning.miniature.model_folder import write_json

RECIPE_FILE = "recipe.json"
PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "pillow", "scikit-learn")


@dataclass(frozen=True)
class LlavaRecipe:
    """Settings of the training.

    Attributes:
        times: How often each training scan is drawn in each style.
        language: Of projector and language model.
    """

    times: int = 2
    language: Schedule = field(default=Schedule(700, 128, 2e-3, warmup=100, decay=5e-2, average=0.99, seed=1))


def train(folder: Path, recipe: LlavaRecipe, limit: int | None = None) -> dict[str, Any]:
    """Train and write the weights, in half precision, with ``recipe.json``.

    Args:
        folder: Gets both files.
        recipe: Settings.
        limit: Use only so many training and final scans, for a quick look.

    Returns:
        The record.
    """
    started = time.process_time()
    torch.manual_seed(recipe.language.seed)
    drawings = draw_part("train", recipe.times, seed=1, limit=limit)
    host = train_language(new_host(), new_processor(), drawings, recipe.language)
    save_language(host, folder)
    seconds = time.process_time() - started
    record = describe(folder, recipe, seconds, limit)
    write_json(folder / RECIPE_FILE, record)
    return record


def describe(folder: Path, recipe: LlavaRecipe, seconds: float, limit: int | None) -> dict[str, Any]:
    """What ``recipe.json`` says: what went in, what came out."""
    answered = interview(miniature_llava(folder), new_processor(), draw_part("final", seed=2, limit=limit))
    right = {label: answered.right(label) for label in LABELS}
    return {
        "held_out_answers": {label: {"value": round(a.value, 4), "n": a.n} for label, a in right.items()},
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
        prog="python -m slug_lightning.miniature.llava.train", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--steps", type=int, help="number of updates; by default those of the recipe")
    parser.add_argument("--scans", type=int, help="use only so many scans, for a quick look")
    chosen = parser.parse_args(args)
    recipe = LlavaRecipe()
    if chosen.steps is not None:
        recipe = replace(recipe, language=replace(recipe.language, steps=chosen.steps))
    torch.set_num_threads(1)  # sums depend on it
    record = train(chosen.out, recipe, chosen.scans)
    for label in LABELS:
        found = record["held_out_answers"][label]
        print(f"{label}: {found['value']:.1%} of {found['n']:,} held-out pictures answered right")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
