"""Images in the benchmark's own naming: the answers of a model, and the real ones that FID compares with."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from slug_lightning.canvas.protocol import Cell, Protocol
from slug_lightning.data.images import decode_image, read_image_file
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.errors import BadDataError, DataNotFoundError

Preprocess = Callable[[Image.Image], Tensor]


@dataclass(frozen=True)
class Listed:
    """An image file and what it should show."""

    path: Path
    cell: Cell


class CanvasImages(Dataset[dict[str, Any]]):
    """Decoded images with their labels.

    Items are ``{"pixels": (3, size, size) uint8, "view": float, "style": int, "object": int}``; ``view`` is
    what the classifiers look at.

    Args:
        listed: The files.
        preprocess: Makes the view of an RGB image.
        size: Side of ``pixels``; images of another size are resized to it (bilinear).
    """

    def __init__(self, listed: Sequence[Listed], preprocess: Preprocess, size: int) -> None:
        self.listed, self.preprocess, self.size = list(listed), preprocess, size

    def __len__(self) -> int:
        return len(self.listed)

    def __getitem__(self, index: int) -> dict[str, Any]:
        listed = self.listed[index]
        image = read_picture(listed.path)
        view = self.preprocess(image)
        if image.size != (self.size, self.size):
            image = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        return {"pixels": pixels, "view": view, "style": listed.cell.theme, "object": listed.cell.object}


def read_picture(path: Path) -> Image.Image:
    """An image file as RGB.

    Raises:
        BadDataError: If it cannot be read; an evaluation with a hole would not be the benchmark's.
    """
    try:
        return decode_image(read_image_file(path))
    except BadMemberError as error:
        raise BadDataError(
            f"Expected an image in {str(path)!r} but it cannot be read: {error}. Draw it again: remove the "
            "file and run the same command."
        ) from error


def find_answers(folder: Path, protocol: Protocol) -> list[Listed]:
    """All images of a model, ``<theme>_<object>_seed<seed>.jpg``.

    Raises:
        DataNotFoundError: If some are not there: how many, and the first three.
    """
    listed = [Listed(folder / protocol.file_name(cell), cell) for cell in protocol.cells()]
    return _complete(
        listed, folder, f"images of {protocol.name!r} named like {{theme}}_{{object}}_seed{{seed}}.jpg"
    )


def find_references(root: Path, protocol: Protocol, without: str | None) -> list[Listed]:
    """Real images without the target, ``<theme>/<object>/<1..5>.jpg``, as the data set lays them out.

    Args:
        root: Folder of the data set.
        protocol: The benchmark.
        without: Target style or object, or ``None`` for all.

    Raises:
        DataNotFoundError: If some are not there.
    """
    seen = dict.fromkeys((cell.theme, cell.object) for cell in protocol.cells(without))
    listed = [
        Listed(root / protocol.themes[t] / protocol.objects[o] / f"{number}.jpg", Cell(t, o, 0))
        for t, o in seen
        for number in range(1, protocol.references + 1)
    ]
    return _complete(listed, root, "reference images named like {theme}/{object}/{1..5}.jpg")


def _complete(listed: list[Listed], folder: Path, what: str) -> list[Listed]:
    gone = [item.path for item in listed if not item.path.is_file()]
    if gone:
        first = ", ".join(str(path.relative_to(folder)) for path in gone[:3])
        raise DataNotFoundError(
            f"Expected {len(listed):,} {what} in {str(folder)!r} but {len(gone):,} are not there, first "
            f"{first}. Draw them with --pipeline, or check the folder."
        )
    return listed


def images_digest(listed: Sequence[Listed]) -> str:
    """SHA-256 over the bytes of the files, in their order."""
    digest = hashlib.sha256()
    for item in listed:
        digest.update(hashlib.sha256(item.path.read_bytes()).digest())
    return digest.hexdigest()
