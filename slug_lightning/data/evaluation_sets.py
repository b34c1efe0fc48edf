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
from slug_lightning.data.showing import Sample, pick_samples
from slug_lightning.errors import DataNotFoundError, SettingError


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
        concept_in: Data set whose names it is among: ``identities``, ``imagenet`` or that of an extra set.
        others: Further concepts of the request.
        identities: Images by name, or ``None``.
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
    concept_in: str
    others: Sequence[str]
    identities: IdentitySettings | None
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
        self._check_source()
        for split in SPLITS:
            if self.identities is not None:
                with collecting(missing):
                    self.images[split, "identities"] = self._open_identities(self.identities, split)
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
        source = self.images["final", self.concept_in]
        self.concept_label = source.label_of(self.concept)
        others = [source.label_of(name) for name in self.others]
        for (split, name), images in self.images.items():
            if name == self.concept_in:
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
        chosen = {}
        if self.identities is not None:
            chosen["identities"] = templates(self.identities.templates)
        if self.imagenet is not None:
            chosen["imagenet"] = templates(self.imagenet.templates)
        return {
            name: [fill(sentences, label) for label in self.class_names(name)]
            for name, sentences in {**chosen, **self._templates}.items()
        }

    def classifier_of(self, dataset: str) -> str:
        """Name of the classifier that scores a data set: all names of the set that the images are of."""
        return self.concept_in if dataset == "forget" else dataset

    def _check_source(self) -> None:
        """Refuse a source of the concept that is not there, or that the search does not look at."""
        known = [
            *(["identities"] if self.identities is not None else []),
            *(["imagenet"] if self.imagenet is not None else []),
            *(settings.name for settings in self.extra if settings.search),
        ]
        if self.concept_in not in known:
            raise SettingError(
                f"Expected data.concept_in to be one of the data sets that the search looks at, {known}, but "
                f"got {self.concept_in!r}."
            )

    def labels(self) -> dict[str, str]:
        """Display names of metrics; the classes of a data set that is not ImageNet are called classes."""
        people = "other identities" if self.concept_in == "identities" else "identities"
        names = {f"retain/identities_top{k}": f"{people}, top-{k}" for k in (1, 5)}
        if self.imagenet is not None and len(self.class_names("imagenet")) != 1000:
            names |= {f"retain/imagenet_top{k}": f"classes (ImageNet layout), top-{k}" for k in (1, 5)}
        if self.concept_in == "imagenet":
            names |= {f"retain/imagenet_top{k}": f"other classes, top-{k}" for k in (1, 5)}
        extra = [settings.name for settings in self.extra]
        return names | {f"retain/{name}_top{k}": f"{name}, top-{k}" for name in extra for k in (1, 5)}

    def samples(self, count: int) -> list[Sample]:
        """Images of the final split to show, ``count`` of each data set but the extra ones."""
        extra = {settings.name for settings in self.extra}
        final = {
            name: images
            for (split, name), images in self.parts.items()
            if split == "final" and name not in extra
        }
        return [s for dataset, images in final.items() for s in pick_samples(images, dataset, count)]

    def _path(self, path: Path | None) -> Path | None:
        return None if path is None else self.root / path

    def _open_identities(self, settings: IdentitySettings, split: Split) -> LabelledImages:
        return CelebAIdentities(
            self.root / settings.root,
            split,
            self.transform,
            partition_file=self._path(settings.partition),
            names_file=self._path(settings.names),
            search_share=self.search_share,
            max_identities=settings.most,
            include=[self.concept, *self.others] if self.concept_in == "identities" else [],
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
