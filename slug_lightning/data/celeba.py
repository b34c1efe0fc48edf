"""CelebA's faces with the names of the people, for zero-shot recognition of identities."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from slug_lightning.data.identity_lists import REQUEST, read_identities, spaced
from slug_lightning.data.images import MAX_PIXELS
from slug_lightning.data.labelled import Entry, LabelledImages, Transform, pick
from slug_lightning.data.lists import list_folder, read_lines
from slug_lightning.data.partition import Partition, Split
from slug_lightning.errors import (
    BadDataError,
    ConceptNotFoundError,
    DataNotFoundError,
    SettingError,
    closest,
)

IMAGES = "img_align_celeba"
FREQUENT = "frequent_celebs.txt"


class CelebAIdentities(LabelledImages):
    """Faces of named people, from ``root/img_align_celeba`` and ``root/list_identity_celeba.txt``.

    The official ``root/identity_CelebA.txt`` has numbers for people; with ``names_file`` it serves as well.
    ``names`` are all names of the list, sorted, also of people whose images are not used: the classifier
    is over everybody. The most frequent people are the first of ``root/frequent_celebs.txt`` (one name a
    line) if it exists, else those with the most images.

    Args:
        root: Folder of the data set.
        split: Images for the step search, or for the final figures.
        transform: Makes a ``(3, H, W)`` float tensor of an RGB image.
        partition_file: List that splits the images; see ``Partition.read``. By default a seeded hash does.
        search_share: Share of images for the search, without a list.
        max_identities: Use only so many of the most frequent people; ``None`` for all.
        include: Names that are used in addition, frequent or not: those to forget.
        images_per_identity: Use at most so many images a person, chosen by the seed; ``None`` for all.
        seed: Seed of split and choice.
        max_pixels: Larger images are skipped.
        names_file: Lines ``2880 First_Last``: names of the numbers of people. Those without one are left out.

    Raises:
        DataNotFoundError: If a part of the data set is missing.
        BadDataError: If a list is unreadable, none of its images is there, none of the frequent people is in
            it, or the partition has no image for this split of a person to include.
        ConceptNotFoundError: If a name to include is not in the list.
        SettingError: If people have numbers instead of names, or a limit is not positive.
    """

    def __init__(
        self,
        root: Path | str,
        split: Split,
        transform: Transform,
        partition_file: Path | str | None = None,
        search_share: float = 0.2,
        max_identities: int | None = 100,
        include: Sequence[str] = (),
        images_per_identity: int | None = None,
        seed: int = 0,
        max_pixels: int = MAX_PIXELS,
        names_file: Path | str | None = None,
    ) -> None:
        for limit in (max_identities, images_per_identity):
            if limit is not None and limit < 1:
                raise SettingError(f"Expected limits of at least 1 but got {limit}.")
        root = Path(root)
        if not (root / IMAGES).is_dir():
            raise DataNotFoundError(f"Folder '{root / IMAGES}' is missing; {REQUEST}.")
        people = read_identities(root, names_file)
        names = sorted(set(people.values()))
        partition = Partition.read(partition_file) if partition_file else Partition(search_share, seed)
        present = {path.name for path in list_folder(root / IMAGES)}
        there = {image: name for image, name in people.items() if image in present}
        if not there:
            raise BadDataError(
                f"Expected images of the list of identities in '{root / IMAGES}' but found none."
            )
        used = _most_frequent(root, there, max_identities, include) | _known(include, names)
        if partition_file is not None:
            _check_dealt(there, include, partition, split, partition_file)
        labels = {name: label for label, name in enumerate(names)}
        entries = [
            Entry(root / IMAGES / image, image, labels[name])
            for image, name in sorted(there.items())
            if name in used and partition.split_of(image) == split
        ]
        if images_per_identity is not None:
            entries = pick(entries, lambda _: images_per_identity, seed)
        super().__init__(names, entries, transform, max_pixels)
        self.absent = len(people) - len(there)


def _check_dealt(
    there: Mapping[str, str], include: Sequence[str], partition: Partition, split: Split, file: Path | str
) -> None:
    """The official partition deals out people, not images: nobody is in both search and final figures."""
    for name in include:
        splits = {partition.split_of(image) for image, person in there.items() if person == name}
        if splits and split not in splits:
            raise BadDataError(
                f"Expected {split} images of '{name}' but '{file}' gives all of theirs elsewhere, "
                "as CelebA's official list does with each person; leave identities.partition out to "
                "split by image."
            )


def _most_frequent(root: Path, there: dict[str, str], count: int | None, apart: Sequence[str]) -> set[str]:
    """The ``count`` most frequent people of those who have images, those set apart not counted."""
    images = Counter(there.values())
    ranked = sorted(images, key=lambda name: (-images[name], name))
    if (root / FREQUENT).is_file():
        listed = [spaced(line) for _, line in read_lines(root / FREQUENT, "")]
        ranked = [name for name in dict.fromkeys(listed) if name in images]
        if not ranked:
            raise BadDataError(
                f"Expected names of people who have images in '{root / FREQUENT}' but none of its "
                f"{len(listed):,} lines is one; correct the spelling or move the list away."
            )
    ranked = [name for name in ranked if name not in apart]
    return set(ranked[:count])


def _known(include: Sequence[str], names: Sequence[str]) -> set[str]:
    for name in include:
        if name not in names:
            raise ConceptNotFoundError(
                f"'{name}' is not among the {len(names):,} identities. Closest: {closest(name, names)}."
            )
    return set(include)
