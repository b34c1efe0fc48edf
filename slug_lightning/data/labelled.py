"""Images with labels, for zero-shot evaluation."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from slug_lightning.data.images import MAX_PIXELS, decode_image, read_image_file
from slug_lightning.data.members import read_member
from slug_lightning.data.partition import Partition, Split, hashed
from slug_lightning.data.reasons import BadMemberError
from slug_lightning.errors import BadDataError, ConceptNotFoundError, SettingError, closest

Transform = Callable[[Image.Image], Tensor]


@dataclass(frozen=True)
class Entry:
    """One image, its key (unique, relative to the data's root) and its label.

    Attributes:
        path: The image file, or the plain tar that holds it.
        key: Name of the image.
        label: Index of its class.
        offset: Byte of the image's header in the tar; ``None`` for a file of its own.
    """

    path: Path
    key: str
    label: int
    offset: int | None = None

    def read(self, max_pixels: int = MAX_PIXELS) -> Image.Image:
        """Read and decode the image; see ``decode_image``.

        Raises:
            BadMemberError: With the reason why there is no usable image.
        """
        return decode_image(self.data(), max_pixels)

    def data(self) -> bytes:
        """The image file's bytes.

        Raises:
            BadMemberError: With the reason why there are none.
        """
        if self.offset is None:
            return read_image_file(self.path)
        return read_member(str(self.path), self.offset)


class LabelledImages(Dataset[dict[str, Any]]):
    """Images with labels.

    Items are ``{"image": (3, H, W) float, "label": int, "key": str}``; an unreadable file gives
    ``{"label", "key", "skipped": reason}`` instead, which ``evaluation_loader`` counts.

    Args:
        names: Name of each label; the zero-shot classifier is over all of them.
        entries: The images, in the order they are evaluated.
        transform: Makes a ``(3, H, W)`` float tensor of an RGB image.
        max_pixels: Larger images are skipped.
    """

    def __init__(
        self,
        names: Sequence[str],
        entries: Sequence[Entry],
        transform: Transform,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.names = tuple(names)
        self.entries = tuple(entries)
        self.transform = transform
        self.max_pixels = max_pixels

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> dict[str, Any]:
        entry = self.entries[index]
        item = {"label": entry.label, "key": entry.key}
        try:
            image = entry.read(self.max_pixels)
        except BadMemberError as error:
            return {**item, "skipped": error.reason.value}
        return {**item, "image": self.transform(image)}

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels that have images, ascending."""
        return tuple(sorted({entry.label for entry in self.entries}))

    def label_of(self, name: str) -> int:
        """Label of a name; case matters.

        Raises:
            ConceptNotFoundError: If no label has this name; the closest ones are said.
        """
        if name not in self.names:
            raise ConceptNotFoundError(
                f"Concept '{name}' is not among the {len(self.names):,} names of the evaluation data. "
                f"Closest: {closest(name, self.names)}. Spell it as there, or add images of it "
                "(data/README.md)."
            )
        return self.names.index(name)

    def only(self, label: int) -> "LabelledImages":
        """The images of one label, under the same names.

        Raises:
            BadDataError: If it has none.
        """
        kept = [entry for entry in self.entries if entry.label == label]
        if not kept:
            raise BadDataError(
                f"Expected images of '{self.names[label]}' but found none among {len(self):,}; "
                "check the partition and the limits on identities, classes and images."
            )
        return self._view(kept)

    def without(self, *labels: int) -> "LabelledImages":
        """The images of all other labels, under the same names."""
        return self._view([entry for entry in self.entries if entry.label not in labels])

    def without_keys(self, keys: Container[str]) -> "LabelledImages":
        """The images with other keys, under the same names."""
        return self._view([entry for entry in self.entries if entry.key not in keys])

    def of_split(self, partition: Partition, split: Split) -> "LabelledImages":
        """The images that a partition gives to a split, under the same names."""
        return self._view([entry for entry in self.entries if partition.split_of(entry.key) == split])

    def balanced(self, count: int | None, seed: int) -> "LabelledImages":
        """A seeded choice of images, equally many a class where there are enough; ``None`` for all.

        Raises:
            SettingError: If ``count`` is not positive.
        """
        if count is None:
            return self
        return self._view(pick_balanced(self.entries, count, seed))

    def no_images(self) -> Tensor:
        """An image batch of length 0 in the right shape, ``(0, 3, H, W)``."""
        return self.transform(Image.new("RGB", (8, 8)))[None][:0]

    def _view(self, entries: Sequence[Entry]) -> "LabelledImages":
        return LabelledImages(self.names, entries, self.transform, self.max_pixels)


def pick(entries: Iterable[Entry], counts: Callable[[int], int], seed: int) -> list[Entry]:
    """Choose images by a seeded hash of their keys.

    Args:
        entries: The images.
        counts: How many to keep at most, by label.
        seed: Seed of the choice.

    Returns:
        The chosen images, in their order.
    """
    by_label: dict[int, list[Entry]] = defaultdict(list)
    entries = list(entries)
    for entry in entries:
        by_label[entry.label].append(entry)
    kept: set[str] = set()
    for label, own in by_label.items():
        own.sort(key=lambda entry: hashed(f"pick:{entry.key}", seed))
        kept.update(entry.key for entry in own[: counts(label)])
    return [entry for entry in entries if entry.key in kept]


def pick_balanced(entries: Sequence[Entry], count: int, seed: int) -> list[Entry]:
    """Choose equally many images of each class; scarce classes give all they have.

    Raises:
        SettingError: If ``count`` is not positive.
    """
    if count < 1:
        raise SettingError(f"Expected a subset of at least 1 image but got {count}.")
    quotas = _quotas(entries, count, seed)
    return pick(entries, quotas.__getitem__, seed)


def _quotas(entries: Sequence[Entry], subset: int, seed: int) -> dict[int, int]:
    """How many images of each class a balanced subset takes; scarce classes give all they have."""
    left: dict[int, int] = {}
    for entry in entries:
        left[entry.label] = left.get(entry.label, 0) + 1
    quotas = dict.fromkeys(left, 0)
    order = sorted(left, key=lambda label: hashed(f"class:{label}", seed))
    remaining = min(subset, len(entries))
    while remaining:
        for label in order:
            if remaining and left[label] > quotas[label]:
                quotas[label] += 1
                remaining -= 1
    return quotas
