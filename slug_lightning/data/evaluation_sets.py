"""The images that figures rest on: of the concept, of other identities, by class, and of extra sets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from slug_lightning.data.celeba import CelebAIdentities
from slug_lightning.data.extra import SPLITS, check_names, open_extra
from slug_lightning.data.imagenet import ImageNetFolder
from slug_lightning.data.images import MAX_PIXELS
from slug_lightning.data.labelled import LabelledImages, Transform
from slug_lightning.data.partition import Split
from slug_lightning.data.prompts import fill, templates
from slug_lightning.data.settings import ExtraSettings, IdentitySettings, ImageNetSettings
from slug_lightning.errors import DataNotFoundError


@contextmanager
def collecting(missing: list[str]) -> Iterator[None]:
    """Note what is missing and go on, so that one error can name it all."""
    try:
        yield
    except DataNotFoundError as error:
        missing.append(str(error))


@dataclass
class EvaluationSets:
    """Opens the data sets of both splits and divides them.

    Attributes:
        concept: Name of what to forget.
        others: Further concepts of the request.
        identities: Images by name; all concepts are among them.
        imagenet: Images by class, or ``None``.
        extra: Further sets.
        root: Folder that relative paths start from.
        transform: Makes a ``(3, H, W)`` float tensor of an RGB image.
        search_share: Share of images for the search, where no partition file says.
        seed: Of samples and partitions.
        max_pixels: Larger images are skipped.
        images: Opened data sets by split and classifier.
        parts: The same as they are measured: those of the concept (``forget``) apart.
    """

    concept: str
    others: Sequence[str]
    identities: IdentitySettings
    imagenet: ImageNetSettings | None
    extra: Sequence[ExtraSettings]
    root: Path
    transform: Transform
    search_share: float = 0.2
    seed: int = 0
    max_pixels: int = MAX_PIXELS
    images: dict[tuple[Split, str], LabelledImages] = field(default_factory=dict)
    parts: dict[tuple[Split, str], LabelledImages] = field(default_factory=dict)
    _templates: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def open(self, missing: list[str]) -> None:
        """Open what is there; sentences about what is not are added to ``missing``.

        Raises:
            SettingError: If names of extra sets are no names.
        """
        check_names(self.extra)
        for split in SPLITS:
            with collecting(missing):
                self.images[split, "identities"] = self._open_identities(split)
            if self.imagenet is not None:
                with collecting(missing):
                    self.images[split, "imagenet"] = self._open_imagenet(self.imagenet, split)
        for settings in self.extra:
            with collecting(missing):
                self._open_extra(settings)

    def divide(self) -> None:
        """Tell the images of the concept from those that must stay.

        Raises:
            ConceptNotFoundError: If no identity has the name of a concept.
            BadDataError: If a split has no image of it.
        """
        self.parts.clear()
        people = self.images["final", "identities"]
        self.concept_label = people.label_of(self.concept)
        others = [people.label_of(name) for name in self.others]
        for (split, name), images in self.images.items():
            if name == "identities":
                self.parts[split, "forget"] = images.only(self.concept_label)
                self.parts[split, name] = images.without(self.concept_label, *others)
            else:
                self.parts[split, name] = images
        self.parts = {key: part for split in SPLITS for key, part in self.parts.items() if key[0] == split}

    def class_names(self, classifier: str) -> list[str]:
        """Names that a classifier chooses among: ``identities``, ``imagenet`` or that of an extra set."""
        return list(self.images["final", classifier].names)

    def prompts(self) -> dict[str, list[list[str]]]:
        """Prompts per classifier: one row per class, one entry per template."""
        chosen = {"identities": templates(self.identities.templates)}
        if self.imagenet is not None:
            chosen["imagenet"] = templates(self.imagenet.templates)
        return {
            name: [fill(sentences, label) for label in self.class_names(name)]
            for name, sentences in {**chosen, **self._templates}.items()
        }

    def _path(self, path: Path | None) -> Path | None:
        return None if path is None else self.root / path

    def _open_identities(self, split: Split) -> LabelledImages:
        settings = self.identities
        return CelebAIdentities(
            self.root / settings.root,
            split,
            self.transform,
            partition_file=self._path(settings.partition),
            names_file=self._path(settings.names),
            search_share=self.search_share,
            max_identities=settings.most,
            include=[self.concept, *self.others],
            seed=self.seed,
            max_pixels=self.max_pixels,
        )

    def _open_imagenet(self, settings: ImageNetSettings, split: Split) -> LabelledImages:
        return ImageNetFolder(
            self.root / settings.root,
            split,
            self.transform,
            class_names_file=self._path(settings.class_names),
            partition_file=self._path(settings.partition),
            search_share=self.search_share,
            subset=settings.search_images if split == "search" else settings.final_images,
            seed=self.seed,
            max_pixels=self.max_pixels,
        )

    def _open_extra(self, settings: ExtraSettings) -> None:
        found = open_extra(
            settings, self.root.joinpath, self.transform, self.search_share, self.seed, self.max_pixels
        )
        self._templates[settings.name] = found.templates
        self.images |= {(split, settings.name): images for split, images in found.splits.items()}
