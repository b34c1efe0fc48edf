"""The images and pairs that an audit looks at, read once and kept in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from slug_lightning.data.evaluation import evaluation_loader
from slug_lightning.data.groups import Role
from slug_lightning.data.labelled import LabelledImages
from slug_lightning.data.sampling import sample_pairs
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.errors import BadDataError, SettingError


@dataclass(frozen=True)
class MaterialSettings:
    """How much is read; what is more is a seeded choice, its size stands beside each figure.

    Attributes:
        forget_images: Most final images of the concept.
        retained_images: Most final images of each data set that must stay, as many of each class.
        probe_images: Most search images that probes are fitted on.
        forget_pairs: Most pairs of the forget shards.
        retain_pairs: Retain pairs that are drawn; those that name the concept are left out of them.
    """

    forget_images: int = 500
    retained_images: int = 500
    probe_images: int = 800
    forget_pairs: int = 128
    retain_pairs: int = 512

    def __post_init__(self) -> None:
        for name, count in vars(self).items():
            if count < 1:
                raise SettingError(f"Expected material.{name} to be at least 1, but got {count}.")


@dataclass(frozen=True)
class Pictures:
    """Images ``(N, 3, H, W)`` and their labels ``(N,)``."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Pairs:
    """Images ``(N, 3, H, W)`` and the token ids ``(N, T)`` of their captions."""

    images: Tensor
    tokens: Tensor

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Material:
    """What attacks use.

    Attributes:
        concept: What was forgotten.
        label: Its label.
        source: Data set whose names it is among.
        prompts: By classifier: one row per name, one entry per template.
        names: By classifier.
        forget: Final images of the concept.
        retained: Final images by data set.
        unseen: Final and search images of the concept: of neither training nor gradients.
        probing: Search images of ``source``, those of the concept included.
        forget_pairs: Pairs that the gradients were of.
        retain_pairs: Pairs that must stay.
        tokenize: Texts to token ids.
    """

    concept: str
    label: int
    source: str
    prompts: Mapping[str, Sequence[Sequence[str]]]
    names: Mapping[str, Sequence[str]]
    forget: Pictures
    retained: Mapping[str, Pictures]
    unseen: Pictures
    probing: Pictures
    forget_pairs: Pairs
    retain_pairs: Pairs
    tokenize: Callable[[list[str]], Tensor]


def read_material(data: UnlearningDataModule, settings: MaterialSettings, seed: int = 0) -> Material:
    """Read everything.

    Args:
        data: Bound to a model's preprocessing and tokenizer.
        settings: How much.
        seed: Of the choices.

    Raises:
        DataNotFoundError: Naming everything that is missing.
        BadDataError: If images or pairs of a kind cannot be read.
    """
    data.look()
    data.separate()
    sets = {key: images for key, images in data.sets.items() if len(images)}
    forget = _read(sets["final", "forget"].balanced(settings.forget_images, seed), "final images of it")
    searched = _read(sets["search", "forget"].balanced(settings.probe_images, seed), "search images of it")
    others = _read(sets["search", data.concept_in].balanced(settings.probe_images, seed), "search images")
    retained = {
        name: _read(images.balanced(settings.retained_images, seed), f"images of {name}")
        for (split, name), images in sets.items()
        if split == "final" and name != "forget"
    }
    prompts = data.prompts()
    return Material(
        concept=data.concept,
        label=data.concept_label,
        source=data.concept_in,
        prompts=prompts,
        names={name: data.class_names(name) for name in prompts},
        forget=forget,
        retained=retained,
        unseen=_together(forget, searched),
        probing=_together(searched, others),
        forget_pairs=_read_pairs(data, "forget", settings.forget_pairs, seed),
        retain_pairs=_read_pairs(data, "retain", settings.retain_pairs, seed),
        tokenize=data.tokenize,
    )


def _read(images: LabelledImages, what: str) -> Pictures:
    batches = [batch for batch in evaluation_loader(images, 256) if len(batch["label"])]
    if not batches:
        raise BadDataError(f"Expected {what} to audit with, but none of {len(images)} could be read.")
    return Pictures(torch.cat([b["image"] for b in batches]), torch.cat([b["label"] for b in batches]))


def _together(first: Pictures, second: Pictures) -> Pictures:
    return Pictures(torch.cat([first.images, second.images]), torch.cat([first.labels, second.labels]))


def _read_pairs(data: UnlearningDataModule, role: Role, count: int, seed: int) -> Pairs:
    pairs = data.pairs(role)
    pairs.census = sample_pairs(pairs.census, count, seed)
    batches: list[dict[str, Any]] = [batch for batch in pairs if batch["key"]]
    if not batches:
        raise BadDataError(
            f"Expected {role} pairs to audit with, but none of {count} drawn ones can be used. "
            f"Check data.{role}_shards of the run's config.yaml."
        )
    return Pairs(torch.cat([b["image"] for b in batches]), torch.cat([b["text"] for b in batches]))
