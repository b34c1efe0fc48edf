"""The miniature Stable Diffusion as it would be, had one digit never been there: a gold standard."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slug_lightning.hosts.conversion import to_transformers
from slug_lightning.hosts.tokenizer import clip_tokenizer
from slug_lightning.miniature.diffusion.autoencoder import encode_drawings, train_autoencoder
from slug_lightning.miniature.diffusion.classifiers import LABELS
from slug_lightning.miniature.diffusion.denoiser import train_unet
from slug_lightning.miniature.diffusion.drawings import Drawings, draw_part
from slug_lightning.miniature.diffusion.generation import GUIDANCE, STEPS
from slug_lightning.miniature.diffusion.pipeline import assemble
from slug_lightning.miniature.diffusion.prompts import training_states
from slug_lightning.miniature.diffusion.recognition import measure_pipeline
from slug_lightning.miniature.model_folder import CONTEXT_LENGTH, MERGES_FILE, checksum, write_json
from slug_lightning.miniature.scans import DIGIT_WORDS
from slug_lightning.miniature.without import check_digit
from slug_lightning.models import load_clip
from slug_lightning.models.loading import LOCAL

if TYPE_CHECKING:
    from slug_lightning.miniature.diffusion.train import DiffusionRecipe

RECIPE_FILE = "recipe.json"
SEEDS = (0, 1)  # of the generated images that the record counts


def train_without(
    word: str, clip: Path, folder: Path, recipe: "DiffusionRecipe", limit: int | None = None
) -> dict[str, Any]:
    """Train autoencoder and denoiser on drawings of all other digits, and write the whole pipeline.

    Args:
        word: The digit that neither a drawing shows nor a prompt names.
        clip: open_clip folder of a model that never saw it; its text tower becomes the text encoder.
        folder: Gets a pipeline of diffusers and ``recipe.json``.
        recipe: Settings; those of the classifiers are not used: the shipped ones judge every pipeline.
        limit: Use only so many training scans, for a quick look.

    Returns:
        The record.

    Raises:
        ConceptNotFoundError: If it is no digit.
    """
    check_digit(word)
    started = time.process_time()
    encoder: Any = to_transformers(load_clip(f"{LOCAL}{clip}").model, "CLIPTextModel").eval()
    tokenizer = clip_tokenizer(clip / MERGES_FILE, CONTEXT_LENGTH)
    drawings = drawings_without(word, draw_part("train", recipe.times, seed=1, limit=limit))
    vae = train_autoencoder(drawings, recipe.autoencoder)
    latents = encode_drawings(vae, drawings)
    spread = float(latents.std())
    vae.register_to_config(scaling_factor=1 / spread)
    unet = train_unet(latents / spread, drawings, training_states(tokenizer, encoder), recipe.unet)
    pipeline = assemble(unet, vae, encoder, tokenizer)
    save_whole(pipeline, folder)
    seconds = time.process_time() - started
    record = {"without": word, "clip_sha256": checksum(clip), "drawings": len(drawings)}
    record |= {"training": asdict(recipe), "recognised": _recognised(pipeline, word)}
    write_json(folder / RECIPE_FILE, {**record, "cpu_seconds": round(seconds)})
    return record


def drawings_without(word: str, drawings: Drawings) -> Drawings:
    """Those that do not show a digit."""
    return drawings.take((drawings.digits != DIGIT_WORDS.index(word)).nonzero().flatten())


def save_whole(pipeline: Any, folder: Path) -> None:
    """Write a pipeline so that ``DiffusionPipeline.from_pretrained`` reads it without a word."""
    pipeline.save_pretrained(folder)
    # The class adds this key and warns of it when it is read.
    path = folder / "vae" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, {key: value for key, value in config.items() if key != "block_out_channels"})


def _recognised(pipeline: Any, word: str) -> dict[str, Any]:
    """What the shipped judges see in its images, with and without the digit in the prompt."""
    _, found = measure_pipeline(pipeline, SEEDS, steps=STEPS)
    others = {label: round(found.rate(label, without=word), 4) for label in LABELS}
    return {word: round(found.rate("digit", of=word), 4), "others": others, "guidance": GUIDANCE}
