"""Retrain the miniature CLIP and say how close it comes to the one that ships.

``python -m slug_lightning.miniature.train [--out DIR] [--world DIR] [--steps N] [--without DIGIT]``

``--without seven`` trains on everything but that digit: the model to which unlearning it is compared.
"""

import argparse
import platform
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from slug_lightning.miniature.bpe import learn_merges, save_merges
from slug_lightning.miniature.captions import vocabulary
from slug_lightning.miniature.held_out import HeldOut, measure
from slug_lightning.miniature.model_folder import (
    CONFIG_FILE,
    CONTEXT_LENGTH,
    MERGES_FILE,
    RECIPE_FILE,
    checksum,
    model_config,
    new_model,
    write_json,
    write_weights,
)
from slug_lightning.miniature.pretraining import TrainingRecipe, pretrain, read_pairs
from slug_lightning.miniature.without import check_digit, write_shards_without
from slug_lightning.miniature.world import World, build_world
from slug_lightning.models.loading import load_clip, miniature_folder

PACKAGES = ("torch", "open_clip_torch", "lightning", "numpy", "scipy", "pillow", "scikit-learn")


def train(world: World, folder: Path, recipe: TrainingRecipe, without: str | None = None) -> HeldOut:
    """Train a CLIP on the world's shards and write it as a folder that ``load_clip`` reads.

    Args:
        world: Its training shards are all that is learnt from.
        folder: Gets the configuration, the merges, the weights and ``recipe.json``.
        recipe: Settings.
        without: A digit that no picture shows and no caption names. Its word keeps its place among the
            tokens, untrained, so that both models read the same prompts.

    Returns:
        What the new model makes of the held-out images.
    """
    from open_clip.tokenizer import SimpleTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    save_merges(learn_merges(vocabulary()), folder / MERGES_FILE)
    tokenize = SimpleTokenizer(str(folder / MERGES_FILE), context_length=CONTEXT_LENGTH)
    config = model_config(tokenize.vocab_size)
    write_json(folder / CONFIG_FILE, config)
    with tempfile.TemporaryDirectory() as spare:
        shards = world.laion if without is None else write_shards_without(world, without, Path(spare))
        pairs = read_pairs(shards, tokenize, recipe.batch_size, recipe.seed)
    preprocessing = config["preprocess_cfg"]
    model = pretrain(partial(new_model, config), pairs, preprocessing["mean"], preprocessing["std"], recipe)
    write_weights(model, folder)
    held_out = measure(load_clip(f"local-dir:{folder}"), world)
    record = _record(world, folder, recipe, held_out)
    if without is not None:
        record |= {"without": without, "pairs": len(pairs.images)}
    write_json(folder / RECIPE_FILE, record)
    return held_out


def compare(world: World, new: Path, shipped: Path) -> str:
    """Accuracies of two model folders side by side, and how close their embeddings are."""
    ours, theirs = (measure(load_clip(f"local-dir:{folder}"), world) for folder in (new, shipped))
    lines = [f"{'':<20}{'retrained':>10}{'shipped':>10}{'images':>8}"]
    for name, accuracy in ours.accuracies.items():
        other = theirs.accuracies[name]
        lines.append(f"{name:<20}{accuracy.value:>10.2%}{other.value:>10.2%}{accuracy.n:>8,}")
    same = checksum(new) == checksum(shipped)
    lines.append(f"mean cosine of the embeddings: {ours.closeness(theirs):.4f}")
    lines.append(f"weights: {'equal, bit for bit' if same else 'not equal'}")
    return "\n".join(lines)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        args: Words after the module's name; the process's own by default.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="python -m slug_lightning.miniature.train", description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for the new model; by default it is not kept")
    parser.add_argument("--world", type=Path, help="folder of the miniature world; by default it is not kept")
    parser.add_argument("--steps", type=int, default=TrainingRecipe.steps, help="number of updates")
    parser.add_argument("--without", metavar="DIGIT", help="train on everything but this digit, e.g. seven")
    chosen = parser.parse_args(args)
    if chosen.without is not None:
        check_digit(chosen.without)
    with ExitStack() as stack:
        spare = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = build_world(chosen.world or spare / "world")
        out = chosen.out or spare / "model"
        train(world, out, replace(TrainingRecipe(), steps=chosen.steps), chosen.without)
        print(compare(world, out, miniature_folder()))
    return 0


def _record(world: World, folder: Path, recipe: TrainingRecipe, held_out: HeldOut) -> dict[str, object]:
    """What ``recipe.json`` says: what went in, what came out."""
    accuracies = {
        name: {"value": round(accuracy.value, 4), "n": accuracy.n}
        for name, accuracy in held_out.accuracies.items()
    }
    return {
        "weights_sha256": checksum(folder),
        "held_out_top1": accuracies,
        "world": {**asdict(world.recipe), "digest": world.recipe.digest()},
        "training": asdict(recipe),
        "made_with": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


if __name__ == "__main__":
    raise SystemExit(main())
