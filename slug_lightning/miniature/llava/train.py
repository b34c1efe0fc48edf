"""Train the miniature LLaVA's projector and language model.

``python -m slug_lightning.miniature.llava.train --out DIR [--steps N] [--without DIGIT --clip DIR]``
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

from slug_lightning.errors import SettingError
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.diffusion.drawings import draw_part
from slug_lightning.miniature.diffusion.optimising import Schedule
from slug_lightning.miniature.llava.answers import Answered, interview
from slug_lightning.miniature.llava.chat import LABELS, new_processor, possible_answers
from slug_lightning.miniature.llava.host import miniature_llava, new_host, save_language, save_tower
from slug_lightning.miniature.llava.training import draw_training, train_language
from slug_lightning.miniature.llava.without import clip_without, drawings_without
from slug_lightning.miniature.model_folder import RECIPE_FILE, checksum, write_json

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


@dataclass(frozen=True)
class Without:
    """What makes a training that of a gold standard.

    Attributes:
        word: The digit that no picture shows and no answer names.
        clip: Folder of the CLIP that gives the vision tower; it never saw the digit, either.
    """

    word: str
    clip: Path


def train(
    folder: Path, recipe: LlavaRecipe, limit: int | None = None, without: Without | None = None
) -> dict[str, Any]:
    """Train and write the weights, projector and language model in half precision, with ``recipe.json``.

    Args:
        folder: Gets the files; of a gold standard the vision tower, too.
        recipe: Settings.
        limit: Use only so many training and final scans, for a quick look.
        without: Leave a digit out of everything.

    Returns:
        The record.
    """
    started = time.process_time()
    drawings = draw_training(recipe.times, limit)
    if without is not None:
        drawings = drawings_without(drawings, without.word)
    clip = None if without is None else clip_without(without.clip, without.word)
    torch.manual_seed(recipe.language.seed)
    host = train_language(new_host(clip), new_processor(), drawings, recipe.language)
    save_language(host, folder)
    if without is not None:
        save_tower(host, folder)
    record = describe(folder, recipe, limit, without)
    record["cpu_seconds"] = round(time.process_time() - started)
    write_json(folder / RECIPE_FILE, record)
    return record


def describe(folder: Path, recipe: LlavaRecipe, limit: int | None, without: Without | None) -> dict[str, Any]:
    """What ``recipe.json`` says: what went in, what came out."""
    answered = interview(miniature_llava(folder), new_processor(), draw_part("final", seed=2, limit=limit))
    left_out = None if without is None else without.word
    right = {label: answered.right(label, without=left_out) for label in LABELS}
    record = {
        "held_out_answers": {label: _share(accuracy) for label, accuracy in right.items()},
        "training": asdict(recipe),
        "made_with": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
    return record if without is None else {**record, **_gold_standard(answered, without)}


def _gold_standard(answered: Answered, without: Without) -> dict[str, Any]:
    """Never the digit, and all that it must know beside it: one that knows little is none."""
    rest = {
        name: _share(answered.right(label, of=name, without=without.word))
        for label in LABELS
        for name in possible_answers(label)
        if name != without.word
    }
    return {
        "without": without.word,
        "named": _share(answered.named(without.word)),
        "held_out_names": rest,
        "clip_sha256": checksum(without.clip),
    }


def _share(accuracy: Accuracy) -> dict[str, Any]:
    return {"value": round(accuracy.value, 4), "n": accuracy.n}


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
    parser.add_argument("--without", metavar="DIGIT", help="train on everything but this digit, e.g. seven")
    parser.add_argument("--clip", type=Path, help="with --without: folder of a CLIP that never saw it")
    chosen = parser.parse_args(args)
    if (chosen.without is None) != (chosen.clip is None):
        raise SettingError(
            "Expected --without and --clip together, but got one of them: a gold standard needs a digit and "
            "the folder of a CLIP that never saw it (`python -m slug_lightning.miniature.train --without`)."
        )
    without = None if chosen.without is None else Without(chosen.without, chosen.clip)
    recipe = LlavaRecipe()
    if chosen.steps is not None:
        recipe = replace(recipe, language=replace(recipe.language, steps=chosen.steps))
    torch.set_num_threads(1)  # sums depend on it
    record = train(chosen.out, recipe, chosen.scans, without)
    for label in LABELS:
        found = record["held_out_answers"][label]
        print(f"{label}: {found['value']:.1%} of {found['n']:,} held-out pictures answered right")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
