"""Images for a person to look at."""

import base64
import io
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from slug_lightning.data.labelled import LabelledImages


@dataclass(frozen=True)
class Sample:
    """One image to show: its data set, true class, model input ``(3, H, W)`` and a PNG data URI."""

    dataset: str
    label: int
    image: Tensor
    picture: str


def pick_samples(images: LabelledImages, dataset: str, count: int) -> list[Sample]:
    """Readable images, evenly spaced over a data set.

    Args:
        images: The data set.
        dataset: Its name.
        count: At most so many.
    """
    shown: list[Sample] = []
    step = max(1, len(images) // count)
    for index in range(step // 2, len(images), step)[:count]:
        item, entry = images[index], images.entries[index]
        if "image" in item:
            picture = data_uri(entry.read(images.max_pixels))
            shown.append(Sample(dataset, entry.label, item["image"], picture))
    return shown


def data_uri(image: Image.Image, side: int = 160) -> str:
    """A PNG data URI, at most ``side`` pixels wide and high."""
    image = image.copy()
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
