"""Further evaluation sets beside identities and ImageNet: as many as one likes, by name."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from slug_lightning.data.labelled import LabelledImages, Transform
from slug_lightning.data.partition import Partition, Split
from slug_lightning.data.prompts import templates
from slug_lightning.data.settings import ExtraSettings
from slug_lightning.data.wds import TEMPLATES, WebDatasetImages
from slug_lightning.errors import BadDataError, SettingError

SPLITS: tuple[Split, Split] = ("search", "final")
TAKEN = ("forget", "identities", "imagenet")


@dataclass(frozen=True)
class ExtraSet:
    """One opened set.

    Attributes:
        splits: Its images by split; only ``final`` if the search does not look at it.
        templates: Sentences with ``{}`` for the name.
    """

    splits: dict[Split, LabelledImages]
    templates: tuple[str, ...]


def check_names(extra: Sequence[ExtraSettings]) -> None:
    """Refuse names that figures cannot have.

    Raises:
        SettingError: If a name is taken, given twice, or holds other characters.
    """
    names = [settings.name for settings in extra]
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise SettingError(
                f"Expected letters, digits, '-', '_' and '.' in data.extra.name but got '{name}'."
            )
        if name in TAKEN or names.count(name) > 1:
            raise SettingError(
                f"Expected data.extra.name to name one set but '{name}' is taken; choose another name."
            )


def open_extra(
    settings: ExtraSettings,
    place: Callable[[Path], Path],
    transform: Transform,
    search_share: float,
    seed: int,
    max_pixels: int,
) -> ExtraSet:
    """Open a set and split it.

    Args:
        settings: What it is.
        place: Makes a setting's path a path to open.
        transform: Makes a ``(3, H, W)`` float tensor of an RGB image.
        search_share: Share of images for the search, without a partition.
        seed: Seed of split and samples.
        max_pixels: Larger images are skipped.

    Raises:
        DataNotFoundError: If a file of the layout is missing.
        BadDataError: If it is no such set.
        SettingError: If a number is out of range, or neither set nor settings have templates.
    """
    images = WebDatasetImages(place(settings.root), transform, settings.part, max_pixels)
    if settings.templates is None and not images.templates:
        raise SettingError(
            f"Expected templates but '{place(settings.root)}' has no {TEMPLATES}; set data.extra.templates, "
            "e.g. to photo."
        )
    chosen = images.templates if settings.templates is None else templates(settings.templates)
    splits: dict[Split, LabelledImages] = {"final": images}
    if settings.search:
        listed = settings.partition
        partition = Partition(search_share, seed) if listed is None else Partition.read(place(listed))
        splits = {split: images.of_split(partition, split) for split in SPLITS}
    for split, part in splits.items():
        if not len(part):
            raise BadDataError(
                f"Expected {split} images in '{place(settings.root)}' but found none among {len(images):,}; "
                "check the partition, or set search to false."
            )
    counts = {"search": settings.search_images, "final": settings.final_images}
    return ExtraSet({split: of.balanced(counts[split], seed) for split, of in splits.items()}, chosen)
