"""What a model says of the same images: how members look to it, and which classes it sees."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from slug_lightning.data.evaluation import evaluation_loader
from slug_lightning.data.unlearning import UnlearningDataModule
from slug_lightning.errors import BadDataError, NonFiniteError
from slug_lightning.functional import class_embeddings, jensen_shannon
from slug_lightning.metrics import Membership, MembershipInference, pair_features
from slug_lightning.models import text_tower, vision_tower

Classes = Mapping[str, Any]  # tensors, or lists of rows as a cell's file has them


@dataclass(frozen=True)
class Images:
    """Images that every model of a comparison is shown, and the prompts of their classifiers.

    Attributes:
        members: Forget pairs' images: the models were trained on them, except for the gold standard.
        unseen: Held-out images of the concept.
        final: Final images by data set.
        prompts: Token ids ``(C, T, L)`` by classifier.
        classifiers: Classifier of each data set.
        concept: Label of the concept in its classifier.
    """

    members: list[Tensor]
    unseen: list[Tensor]
    final: dict[str, list[Tensor]]
    prompts: dict[str, Tensor]
    classifiers: dict[str, str]
    concept: int


@dataclass(frozen=True)
class View:
    """What one model says of them.

    Attributes:
        membership: How well its scores tell members from unseen images of the concept; ``None`` where they
            are too few, or no numbers.
        classes: Class probabilities ``(N, C)`` of the final images by data set.
    """

    membership: Membership | None
    classes: dict[str, Tensor]


def take_images(data: UnlearningDataModule, tokenize: Any) -> Images:
    """Read the images of a data module that has been set up."""
    prompts = {}
    for name, texts in data.prompts().items():
        tokens = tokenize([text for row in texts for text in row])
        prompts[name] = tokens.reshape(len(texts), -1, tokens.shape[1])
    members = DataLoader(data.forget_pairs(), batch_size=None)
    final = {name: _batches(data, "final", name) for split, name in data.loader_names if split == "final"}
    return Images(
        members=[batch["image"] for batch in members if batch["key"]],
        unseen=_batches(data, "search", "forget") + final["forget"],
        final=final,
        prompts=prompts,
        classifiers={name: data.classifier_of(name) for name in final},
        concept=data.concept_label,
    )


def _batches(data: UnlearningDataModule, split: Any, name: str) -> list[Tensor]:
    images = data.sets[split, name]
    return [
        batch["image"] for batch in evaluation_loader(images, data.eval_batch_size) if len(batch["label"])
    ]


@torch.no_grad()
def take_view(model: nn.Module, images: Images) -> View:
    """Show the images to a model as it is.

    Args:
        model: An open_clip model.
        images: What is shown.
    """
    vision, text = vision_tower(model), text_tower(model)
    heads = {
        name: class_embeddings(text.pooled(p.flatten(0, 1)).reshape(*p.shape[:2], -1))
        for name, p in images.prompts.items()
    }
    scale = model.logit_scale.exp()  # type: ignore[operator]
    classes = {
        name: (scale * _embed(vision, batches) @ heads[images.classifiers[name]].T).softmax(dim=1)
        for name, batches in images.final.items()
    }
    names = heads[images.classifiers["forget"]]
    attack = MembershipInference()
    for member, batches in ((True, images.members), (False, images.unseen)):
        embedded = _embed(vision, batches)
        own = names[images.concept].expand(len(embedded), -1)
        rest = torch.cat([names[: images.concept], names[images.concept + 1 :]])
        attack.update(pair_features(embedded, own, rest, scale), member)
    return View(_result(attack), classes)


def _result(attack: MembershipInference) -> Membership | None:
    """The attack's result; what else was measured is not lost if there is none."""
    try:
        return attack.result()
    except (BadDataError, NonFiniteError):
        return None


def _embed(vision: Any, batches: Iterable[Tensor]) -> Tensor:
    return torch.cat([vision.pooled(batch) for batch in batches])


def distance(one: Classes, other: Classes) -> dict[str, float] | None:
    """Mean Jensen-Shannon divergence between what two models say, in bits.

    Args:
        one: Class probabilities ``(N, C)`` of the final images by data set, ``forget`` among them.
        other: The same of another model.

    Returns:
        ``concept``: over images of the concept; ``rest``: over all others, each data set counting alike.
        ``None`` if they do not speak of as many images and classes.
    """
    if set(one) != set(other):
        return None
    pairs = {name: (torch.as_tensor(rows), torch.as_tensor(other[name])) for name, rows in one.items()}
    if any(p.shape != q.shape for p, q in pairs.values()):
        return None
    found = {name: float(jensen_shannon(p.double(), q.double()).mean()) for name, (p, q) in pairs.items()}
    rest = [value for name, value in found.items() if name != "forget"]
    return {"concept": found["forget"], "rest": sum(rest) / len(rest) if rest else 0.0}
