"""How well a CLIP knows the held-out images of the miniature world."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from slug_lightning.data.celeba import CelebAIdentities
from slug_lightning.data.evaluation import evaluation_loader
from slug_lightning.data.imagenet import ImageNetFolder
from slug_lightning.data.labelled import LabelledImages
from slug_lightning.data.prompts import fill, templates
from slug_lightning.functional import true_class_rank
from slug_lightning.metrics import Accuracy
from slug_lightning.miniature.world import World
from slug_lightning.models.loading import Clip

SPLITS: tuple[Literal["search", "final"], ...] = ("search", "final")


@dataclass(frozen=True)
class HeldOut:
    """What a model makes of the held-out images.

    Attributes:
        accuracies: Zero-shot top-1 accuracy by ``identities/search``, ``classes/final`` and so on.
        embeddings: Unit embeddings of all images and of all names, ``(N, D)``, in a fixed order.
    """

    accuracies: dict[str, Accuracy]
    embeddings: Tensor

    def closeness(self, other: "HeldOut") -> float:
        """Mean cosine to another model's embeddings of the same images and names, in ``[-1, 1]``."""
        return float(F.cosine_similarity(self.embeddings, other.embeddings, dim=-1).mean())


@torch.inference_mode()
def measure(clip: Clip, world: World, batch_size: int = 256) -> HeldOut:
    """Zero-shot accuracy over all ten names, on every held-out image.

    Args:
        clip: The model.
        world: The images.
        batch_size: Images at a time.
    """
    accuracies: dict[str, Accuracy] = {}
    embeddings: list[Tensor] = []
    for kind, template in (("identities", "identity"), ("classes", "photo")):
        for split in SPLITS:
            images = _images(kind, split, clip, world)
            names = _embed_names(clip, images.names, template)
            encoded, labels = _embed_images(clip, images, batch_size)
            hits = int((true_class_rank(encoded @ names.T, labels) == 0).sum())
            accuracies[f"{kind}/{split}"] = Accuracy(hits, len(labels))
            embeddings += [encoded, names]
    return HeldOut(accuracies, torch.cat(embeddings))


def _images(kind: str, split: Literal["search", "final"], clip: Clip, world: World) -> LabelledImages:
    if kind == "identities":
        return CelebAIdentities(
            world.celeba, split, clip.preprocess, partition_file=world.celeba_partition, max_identities=None
        )
    return ImageNetFolder(
        world.imagenet,
        split,
        clip.preprocess,
        class_names_file=world.imagenet_names,
        partition_file=world.imagenet_partition,
    )


def _embed_names(clip: Clip, names: Sequence[str], template: str) -> Tensor:
    model: Any = clip.model
    prompts = [prompt for name in names for prompt in fill(templates(template), name)]
    embedded: Tensor = model.encode_text(clip.tokenize(prompts), normalize=True)
    return embedded


def _embed_images(clip: Clip, images: LabelledImages, batch_size: int) -> tuple[Tensor, Tensor]:
    model: Any = clip.model
    encoded, labels = [], []
    for batch in evaluation_loader(images, batch_size):
        encoded.append(model.encode_image(batch["image"], normalize=True))
        labels.append(batch["label"])
    return torch.cat(encoded), torch.cat(labels)
