"""A protocol of four images a seed, and answers without a generator."""

import zlib
from types import SimpleNamespace

import numpy as np
from PIL import Image

from slug_lightning.canvas.protocol import Protocol

SMALL = Protocol(
    name="small", source="made up", template="a {object} in {theme}", themes=("Red_Ink", "Photo"),
    objects=("cat", "dog"), seeds=(3, 5), steps=7, guidance=2.0, size=16, references=2, no_style=("Photo",),
)  # fmt: skip


class FakePipeline:
    """Draws noise that depends on prompt, seed and place in the batch, as rounding would make it."""

    def __init__(self, side=16, die_after=None):
        self.side, self.left, self.calls = side, die_after, []

    def __call__(self, prompts, **options):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
        self.calls.append((list(prompts), options))
        images = []
        for place, (prompt, generator) in enumerate(zip(prompts, options["generator"], strict=True)):
            seed = [zlib.crc32(prompt.encode()), generator.initial_seed(), place]
            pixels = np.random.default_rng(seed).integers(0, 256, (self.side, self.side, 3), dtype=np.uint8)
            images.append(Image.fromarray(pixels))
        return SimpleNamespace(images=images)


def write_answers(folder, protocol=SMALL):
    folder.mkdir(parents=True)
    for number, cell in enumerate(protocol.cells()):
        Image.new("RGB", (16, 16), (number * 9, 80, 30)).save(folder / protocol.file_name(cell))
    return folder


def write_references(root, protocol=SMALL):
    for theme in protocol.themes:
        for thing in protocol.objects:
            (root / theme / thing).mkdir(parents=True)
            for number in range(1, protocol.references + 1):
                Image.new("RGB", (20, 20), (90, number * 30, 30)).save(root / theme / thing / f"{number}.jpg")
    return root
