"""Draw every image of the benchmark with a pipeline of diffusers; a killed run goes on where it stopped.

Each image starts from noise of its own seed alone, as in the benchmark's script for UCE. Images are drawn in
batches that are always cut alike, and a batch is drawn again unless all of its files are there: the result is
the same, however often the run was ended.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from slug_lightning.atomic import atomic_path, write_text
from slug_lightning.canvas.protocol import Cell, Protocol
from slug_lightning.errors import HostError, SettingError

ACCOUNT = "drawn.json"


@dataclass(frozen=True)
class Drawn:
    """How many images a run drew, and how many were there."""

    new: int
    kept: int


def draw_answers(
    pipeline: Any,
    protocol: Protocol,
    folder: Path,
    about: Mapping[str, Any],
    batch_size: int = 4,
    watch: Callable[[int], None] | None = None,
) -> Drawn:
    """Draw what is not there yet.

    Args:
        pipeline: A text-to-image pipeline of diffusers.
        protocol: What to draw.
        folder: Where the images go; they appear whole or not at all.
        about: What decides the images besides protocol and batch size: weights, patch, sampler, precision.
        batch_size: Images that are drawn together. Other sizes round differently in the last bits.
        watch: Called with the number of finished images after each batch.

    Raises:
        SettingError: If the folder holds images that were drawn otherwise.
        HostError: If the pipeline draws images of another size.
    """
    if batch_size < 1:
        raise SettingError(f"Expected a batch of at least 1 image but got {batch_size}.")
    _claim(folder, {**_settings(protocol, batch_size), **about})
    new = kept = 0
    for cells in _batches(protocol, batch_size):
        paths = [folder / protocol.file_name(cell) for cell in cells]
        if all(path.is_file() for path in paths):
            kept += len(cells)
        else:
            for path, image in zip(paths, _draw(pipeline, protocol, cells), strict=True):
                _save(image, path)
            new += len(cells)
        if watch is not None:
            watch(new + kept)
    return Drawn(new, kept)


def _batches(protocol: Protocol, size: int) -> Iterator[list[Cell]]:
    cells = list(protocol.cells())
    for first in range(0, len(cells), size):
        yield cells[first : first + size]


@torch.inference_mode()
def _draw(pipeline: Any, protocol: Protocol, cells: list[Cell]) -> list[Image.Image]:
    """Generators on the CPU give the same noise to every device."""
    made: list[Image.Image] = pipeline(
        [protocol.prompt(cell) for cell in cells],
        height=protocol.size,
        width=protocol.size,
        num_inference_steps=protocol.steps,
        guidance_scale=protocol.guidance,
        generator=[torch.Generator("cpu").manual_seed(cell.seed) for cell in cells],
        output_type="pil",
    ).images
    if made[0].size != (protocol.size, protocol.size):
        raise HostError(
            f"Expected images of {protocol.size} x {protocol.size} pixels but the pipeline draws "
            f"{made[0].width} x {made[0].height}. Use one that was fine-tuned for {protocol.name!r}."
        )
    return made


def _save(image: Image.Image, path: Path) -> None:
    """As the benchmark's scripts do: JPEG with Pillow's own quality."""
    with atomic_path(path) as draft:
        image.convert("RGB").save(draft, "JPEG")


def _settings(protocol: Protocol, batch_size: int) -> dict[str, Any]:
    return {
        "protocol": protocol.name,
        "template": protocol.template,
        "themes": list(protocol.themes),
        "objects": list(protocol.objects),
        "seeds": list(protocol.seeds),
        "steps": protocol.steps,
        "guidance": protocol.guidance,
        "size": protocol.size,
        "batch_size": batch_size,
    }


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Note how the images of a folder are drawn, or compare with what is noted there."""
    account = folder / ACCOUNT
    settings = json.loads(json.dumps(settings))
    if account.is_file():
        found = json.loads(account.read_text(encoding="utf-8"))
        other = sorted(key for key in {*found, *settings} if found.get(key) != settings.get(key))
        if other:
            key = other[0]
            raise SettingError(
                f"{str(folder)!r} holds images that were drawn with {key} {_short(found.get(key))}, but now "
                f"it is {_short(settings.get(key))}. Give another --images, or remove the folder."
            )
        return
    if any(folder.glob("*.jpg")):
        raise SettingError(
            f"{str(folder)!r} holds images but no {ACCOUNT} that says how they were drawn. Evaluate them "
            "without --pipeline, or give another --images."
        )
    write_text(account, json.dumps(settings, indent=1) + "\n")


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 60 else text[:57] + "..."
