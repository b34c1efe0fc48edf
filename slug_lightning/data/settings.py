"""Where evaluation images are and how they are asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class IdentitySettings:
    """Images of people by name, in CelebA's layout.

    Attributes:
        root: Folder with ``img_align_celeba/`` and ``list_identity_celeba.txt`` or ``identity_CelebA.txt``.
        partition: File that deals images to search (1) and final figures (2); by default a seeded hash does.
        most: How many of the most frequent identities are measured beside the concept.
        templates: Name of a template set, or format strings with one ``{}``.
        names: Lines ``2880 First_Last``, for ``identity_CelebA.txt``, which has numbers for people.
    """

    root: Path = Path("data/celeba")
    partition: Path | None = None
    most: int | None = 100
    templates: str | list[str] = "identity"
    names: Path | None = None


@dataclass(frozen=True)
class ImageNetSettings:
    """Images by class, in ImageNet's ``val`` layout.

    Attributes:
        root: Folder with one folder per class.
        partition: As for identities.
        class_names: Mapping file (``LOC_synset_mapping.txt`` format); see ``ImageNetFolder``.
        search_images: Size of the class-balanced sample that the search may look at; ``None`` for all.
        final_images: The same for the final figures.
        templates: Name of a template set, or format strings with one ``{}``.
    """

    root: Path = Path("data/ImageNet/val")
    partition: Path | None = None
    class_names: Path | None = None
    search_images: int | None = None
    final_images: int | None = None
    templates: str | list[str] = "photo"


@dataclass(frozen=True)
class ExtraSettings:
    """A further set of images that must keep its accuracy, in CLIP_benchmark's webdataset layout.

    Attributes:
        name: What it is called in figures: ``retain/<name>_top1``. Letters, digits, ``-``, ``_`` and ``.``.
        root: Folder with ``classnames.txt`` and ``<part>/0.tar``; see ``WebDatasetImages``.
        part: Folder of the shards.
        search: Whether its accuracy takes part in the search. If so, ``data.search_share`` of the images are
            for the search and the others for the final figures, else all are for the final figures.
        partition: As for identities; lines ``test/0.tar/s0000000 1``.
        search_images: Size of the class-balanced sample that the search may look at; ``None`` for all.
        final_images: The same for the final figures.
        templates: As for ImageNet; by default the set's own.
    """

    name: str
    root: Path
    part: str = "test"
    search: bool = False
    partition: Path | None = None
    search_images: int | None = None
    final_images: int | None = None
    templates: str | list[str] | None = None
